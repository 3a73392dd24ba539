"""Does the base model take most of the compute? Exemplar and Cipher, by the cost of many tasks that share one.

A base model has predicted a reward-free stream for C FLOPs, and is shared by tasks, each of which then takes T FLOPs of
reinforcement to 0.9 success. It breaks even at n* = C / (T from scratch − T after it) tasks. The longer it predicts the
more it costs, and the less is left to reinforcement, so that its budget is what is asked for. In Exemplar every value
of a factor has M looks, and heads alone are taught on what was predicted; in Cipher there are K skills, and the head
that predicted others' answers is kept. Tasks draw anew what counts, over the same looks or skills.

Command: regimax run sweeps/c01_compute.py --small
Cells: 5,226 in 6,384 stages, and 1,029 in 1,197 stages of tuning; with --full 202,732 cells and 3,328 of tuning.
Time: 7 minutes by the clock, tuning included, on two cores that other programs also used.
Supported if: n* falls by a third or more as looks grow from 4 to 32, is below 10 tasks there, and below one with 4
  skills; and of what a hundred tasks cost at least with 32 looks more than a half is the base model's.
Refuted if: n* surely falls by less than a third, or rises; or it is above 100 in the richest world of either kind; or
  less than a half of what a hundred tasks cost is the base model's: of so many tasks it then does not take most.
Second version, in worlds of its own, 270 to 305; the first had 200 to 221. It chose budgets as if who does not get
  there had done so when reinforcement ended, which is sooner than scratch does. So with 16 and 32 looks it chose the
  least budget, after which nobody gets there: inconclusive, n* and its slope not known, 11 of 16 worlds stuck with 4
  skills, a share of 0.376 (0.256 to 0.477) of a hundred tasks; control and null held. Now a budget counts only if it
  serves: if every task gets there in 9 of the 10 worlds in which budgets are chosen, now by their median; where none
  does, nothing is known. Half of the worlds would do for one n*, but a slope takes four, and has an upper end only if
  few worlds are stuck at any. Step sizes are chosen at budgets that served, and in Cipher for each. Exemplar's
  smallest, 3e-4, is left out. Budgets lie closer together, in Cipher from 16 updates, and Cipher's reinforcement after
  them got half as much again. There are more tasks where n* hangs most on chance, with 4 and 8 looks, and Exemplar's
  A2C is evaluated every 4 updates in place of 16, up to 3,008: with 16 looks all had got there by 2,960, with 32 none
  by 5,008. The largest width of the slope's interval is not asked for any more: one wholly on one side of a border
  tells enough.
New borders, by someone who had seen an n* of about two at any number of looks, and so expects 1 to be refuted. The
  first rule had a slope of 0, on which a flat n* lies, so that no number of worlds could tell. Now it is −0.2, by which
  n* falls by a third over eight times the looks: about ln 1.5, the smallest effect of interest here. An n* that stays
  where it is says that a base model pays no sooner where the world is rich, and 1 says that it does. The share fails
  below a half, as it is claimed to be most; it could not fail before. The share of 0.38 was that of 1,024 updates, at
  step sizes from 512; 2,048 cost a hundred tasks as much, with 0.75. Which of two such is best nobody can tell, so the
  share's interval is now that of all budgets that cost a tenth more at most.
Seen before, in all 22 worlds of the first version: medians of n* are 1.6 tasks with 4 looks, 1.8 with 8, 1.5 with 16
  after 256 updates, where 4 worlds are stuck, and 2.7 after 512, 1.6 with 32 after 1,024, where 4 are stuck, and 3.1
  after 2,048; with 4 skills 0.3 after 128, where 5 are stuck and after others more. Were half of the worlds enough to
  serve, the slope would be −0.04; that nine in ten are asked for makes n* larger with 16 and 32 looks alone, and the
  slope with it. The share of a hundred tasks does rise with looks, 0.1, 0.25, 0.3 and 0.4 to 0.75, of which n* says
  nothing.
Pilots, in worlds of their own, at the best of two step sizes of prediction by two or three of reinforcement. Two worlds
  (30,000 and 30,001), two tasks: with 32 looks all four get there, after 0.15, 0.05 and 0.06 GFLOP (medians) with
  1,024, 1,280 and 1,664 updates, for 9.6, 12.0 and 15.5, so that 1,280 are best for a hundred, with a share of 0.7;
  with 16 looks two of four after 192 updates, all after 256 and more. Five worlds (30,010 to 30,014): with 4 skills all
  get there after 64, 128 and 256 updates, after 0.6, 0.7 and 0.9 GFLOP, for 0.5, 1.1 and 2.1, where scratch takes 5. So
  2, 3 and 4 are expected to hold, and 1 not to.
Measured: refuted, by the slope alone: ln n* does not fall with ln M, it rises, by 0.21 to 0.67. n* is 0.80 tasks with 4
  looks (medians of 26 worlds), 2.2 with 8, between 1.7 and 2.3 with 16 and 1.74 (1.69 to 1.91) with 32, after 12, 64,
  256 and 1,152 updates. So with 4 looks a base model pays for itself with the first task, and from 8 looks on with the
  second or third: a base model gets dearer as fast as scratch does, 0.11, 0.6, 2.4 and 10.8 GFLOP beside 0.22, 0.32,
  1.5 and 6.3. All else holds. With 32 looks the base model's share of what a hundred tasks cost is 0.67 (0.54 to 0.73),
  more than a half, as claimed; it grows with looks, 0.14, 0.29, 0.44 and 0.67, and of ten tasks 0.49, 0.60, 0.83 and
  0.94. With 4 skills n* is below 0.93. So the base model does take most of the compute of a hundred tasks in the
  richest world, and of ten tasks from 8 looks on; but it pays no sooner the richer the world is.
What speaks against it: nine in ten, a third and a tenth were chosen with all of that in view. A base model may take
  most of the compute of many tasks where the world is rich, and pay no sooner there: one verdict says both. Scratch is
  chosen in three worlds of tuning, and with 16 looks A2C and Q-learning are close. A task that is stuck when its
  reinforcement ends, at 0.5 GFLOP after prediction, is not known to stay so.
Oldest C1 beside it: success at equal FLOPs, 4.7 GFLOP in all, where 64 looks could not be told apart by anybody and 8
  were by everybody, after squared errors; it gave a share of 0, with no room for any other. Costs to a threshold can
  tell: one base model pays for itself after about two tasks.
Borders: with one look n* of the best budget is no null. It tends to 0 with the least budget that is tried (8 updates
  cost 0.07 GFLOP and save 0.015, n* = 5), whatever there is to find; so the null takes 640 updates, fewer than are
  tried with 32 looks. K = 1 is none either: the head that is kept is the task's answer.
"""

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import polars as pl

import regimax as rx
from regimax.report import statistics as st
from regimax.report.marks import add_marks, looks

r, learn = rx.regimes, rx.learners
LOOKS, SKILLS, TASK, BUDGET = "world.looks", "world.skills", "world.task", "pretrain.updates"
PAID = "flops_without_env_steps"  # C
KEY = ("world_seed", "seed")
SPENT = ("status", "flops", "env_steps", "passive_steps")
CHOOSING = 10  # worlds, the first of all, in which budgets are chosen; the others tell what came of it
SERVES = 0.9  # a budget does if at least such a share of these worlds gets there after it
NEAR = 1.1  # times the least that many tasks cost: budgets that cost no more are as good
FALL = 0.2  # how steeply ln n* has to fall with ln M: from 4 to 32 looks by a third


class Kind(NamedTuple):
    """What belongs to one of the two kinds of world.

    Attributes:
      name: of its sweeps.
      rich: column of its richness.
      scratch: arms, of which the best counts.
      predicted: the arm with a base model.
      sham: its control.
    """

    name: str
    rich: str
    scratch: tuple[str, ...]
    predicted: str
    sham: str


EXEMPLAR = Kind(
    "exemplar", LOOKS, ("pure_rl-A2C", "pure_rl-Q", "pure_rl-frozen"), "pretrain_rl-frozen", "sham_rl-frozen"
)
CIPHER = Kind("cipher", SKILLS, ("pure_rl-A2C", "pure_rl-Q"), "imitation_rl", "imitation_sham")
KINDS = (EXEMPLAR, CIPHER)
SELDOM, OFTEN = r.Evaluate(every=16, episodes=64), r.Evaluate(every=2, episodes=64)


def _sweeps(kind, world, budgets, tasks, seeds, shams, scratch, predicted, sham):
    """Sweeps of one kind: from scratch, of base models by their budgets, and of the sham in the richest world.

    Args:
      budgets: by richness, updates of prediction, all multiples of the least.
      tasks: by richness, how many in each world.
      seeds: worlds.
      shams: in how many of the worlds that are judged the sham is run.
      scratch: its regimes.
      predicted: its regime.
      sham: likewise.
    """
    shared = {"world": world, "threshold": 0.9}
    each = [(rich, task) for rich in budgets for task in range(tasks[rich])]
    most = max(budgets)
    middle = budgets[most][len(budgets[most]) // 2]
    return {
        f"{kind.name}_scratch": rx.Sweep(regimes=scratch, axes={(kind.rich, TASK): each}, seeds=seeds, **shared),
        f"{kind.name}_predicted": rx.Sweep(
            regimes=[predicted],
            axes={
                (kind.rich, TASK, BUDGET): [(rich, task, updates) for rich, task in each for updates in budgets[rich]]
            },
            seeds=seeds,
            **shared,
        ),
        f"{kind.name}_sham": rx.Sweep(
            regimes=[sham],
            axes={kind.rich: [most], BUDGET: [middle], TASK: [0]},
            seeds=seeds[CHOOSING : CHOOSING + shams],
            **shared,
        ),
    }


def _exemplar(factors, dimensions, budgets, updates, tasks, seeds, shams):
    """Updates are those of A2C, of Q-learning, of heads alone, and of heads on the sham."""
    actor, values, heads, sham = updates
    least = min(map(min, budgets.values()))
    rl = {"network": rx.networks.mlp((128, 32)), "num_envs": 8, "stop": r.Stop("success", 0.9, 3)}
    q = {"learner": learn.q_learning(4, capacity=8 * 512), **rl}  # of FLOPs, 4 updates are best spent on 8 rewards
    before = {
        # With many looks a squared error has next to nothing to predict.
        "predictor": learn.prediction(learn.objectives.contrastive()),
        "pretrain": {"num_envs": 64, "evaluate": r.Evaluate(every=least, episodes=16)},
        "finetune": "frozen",
        **q,
    }
    return _sweeps(
        EXEMPLAR,
        rx.envs.Exemplar(factors=factors, values=4, looks=max(budgets), dimensions=dimensions),
        budgets,
        tasks,
        seeds,
        shams,
        scratch=[
            r.pure_rl(actor, name="pure_rl-A2C", evaluate=r.Evaluate(every=4, episodes=64), **rl),
            r.pure_rl(values, name="pure_rl-Q", evaluate=OFTEN, **q),
            r.pure_rl(heads, name="pure_rl-frozen", evaluate=OFTEN, finetune="frozen", **q),
        ],
        predicted=r.pretrain_rl((least, heads), evaluate=OFTEN, **before),
        sham=r.sham_rl((least, sham), evaluate=SELDOM, **before),
    )


def _cipher(symbols, length, units, budgets, updates, tasks, seeds, shams):
    """Updates are those of A2C and Q-learning, with the head kept, and with the sham's head kept."""
    (actors, values), kept, sham = updates
    least = min(map(min, budgets.values()))
    rl = {"network": rx.networks.gru(units), "num_envs": 8, "stop": r.Stop("success", 0.9, 3)}
    # Advantages as they are: who has found nothing yet would else be taught by what its critic gets wrong.
    actor = {"learner": learn.actor_critic(normalize=False), **rl}
    before = {"network": rl["network"], "num_envs": 64, "evaluate": r.Evaluate(every=least, episodes=16)}
    taught = {"inherit": ("trunk", "policy"), **actor}
    return _sweeps(
        CIPHER,
        rx.envs.Cipher(symbols=symbols, skills=max(budgets), length=length, cue_held=True),
        budgets,
        tasks,
        seeds,
        shams,
        scratch=[
            r.pure_rl(actors, name="pure_rl-A2C", evaluate=SELDOM, **actor),
            r.pure_rl(values, name="pure_rl-Q", evaluate=SELDOM, learner=learn.q_learning(1, capacity=8 * 256), **rl),
        ],
        predicted=r.Regime("imitation_rl", (r.predict(least, **before), r.reinforce(kept, evaluate=OFTEN, **taught))),
        # Its head is kept as that of `imitation_rl` is, and was taught other transcripts' answers.
        sham=r.Regime(
            "imitation_sham", (r.predict(least, sham=True, **before), r.reinforce(sham, evaluate=SELDOM, **taught))
        ),
    )


def cost(run, arm, worlds, where=None):
    """FLOPs that a task took every learner after prediction, as `times` gives them: the mean of its tasks."""
    found = st.times(run, arm, unit="flops_rl", where=where).filter(pl.col("seed").is_in(worlds))
    known = pl.when(pl.col("reached").null_count() == 0).then(pl.col("reached").mean())
    spent = pl.col("low", "high", PAID).mean()
    means = found.group_by(KEY, maintain_order=True).agg(spent, reached=known, unit=pl.col("unit").first())
    return means.with_columns(censored=pl.col("reached").is_null())


def _worlds(runs, kind, choosing):
    """Worlds in which budgets are chosen, or the others."""
    seeds = runs[f"{kind.name}_scratch"].cells["seed"].unique().sort().to_list()
    return seeds[:CHOOSING] if choosing else seeds[CHOOSING:]


def from_scratch(runs, kind, rich, choosing=False):
    """What a task takes from scratch, by the arm that took least in the tuning's worlds."""
    run, where = runs[f"{kind.name}_scratch"], {kind.rich: rich}
    return cost(run, st.best_arm(run, kind.scratch, where=where), _worlds(runs, kind, choosing), where)


def after(runs, kind, rich, updates, choosing=False):
    """What a task takes with a base model of so many updates."""
    where = {kind.rich: rich, BUDGET: updates}
    return cost(runs[f"{kind.name}_predicted"], kind.predicted, _worlds(runs, kind, choosing), where)


def after_sham(runs, kind):
    """What a task takes in the richest world with a sham."""
    return cost(runs[f"{kind.name}_sham"], kind.sham, _worlds(runs, kind, choosing=False))


def richness(runs, kind):
    """All values of it."""
    return sorted(runs[f"{kind.name}_scratch"].cells[kind.rich].unique())


def tried(runs, kind, rich):
    """Budgets of prediction that were tried."""
    cells = runs[f"{kind.name}_predicted"].cells
    return sorted(cells.filter(pl.col(kind.rich) == rich)[BUDGET].unique())


def serving(runs, kind, rich, tasks=None):
    """Returns budgets of prediction that serve, each with what it is chosen by, in the worlds where budgets are chosen.

    That is the median over these worlds, in which a world counts as the worst where some task does not get there. A
    budget serves where all tasks get there in a share `SERVES` of them at least.

    Args:
      tasks: that share it, for what all together cost; when None what counts is after how many tasks it breaks even.
    """
    alone = from_scratch(runs, kind, rich, choosing=True).select(*KEY, alone=pl.coalesce("reached", "low"))
    saved = pl.col("alone") - pl.col("reached")
    told = pl.col(PAID) / saved if tasks is None else pl.col(PAID) + tasks * pl.col("reached")
    worst = pl.col("censored") | (saved <= 0) if tasks is None else pl.col("censored")
    found = {}
    for updates in tried(runs, kind, rich):
        ours = after(runs, kind, rich, updates, choosing=True).join(alone, on=KEY, maintain_order="left")
        if ours.select(pl.col("censored").not_().mean()).item() >= SERVES:
            found[updates] = ours.select(pl.when(worst).then(math.inf).otherwise(told).median()).item()
    return found


def budget(runs, kind, rich, tasks=None):
    """Returns the budget of prediction that is best in the worlds where budgets are chosen; None where none serves.

    Args:
      tasks: that share it, for which all together are to cost least; when None the fewest to break even are sought.
    """
    found = serving(runs, kind, rich, tasks)
    return min(found, key=found.__getitem__) if found else None


def best(runs, kind, rich):
    """What a task takes with the base model that breaks even soonest; nothing is known where none serves."""
    updates = budget(runs, kind, rich)
    if updates is not None:
        return after(runs, kind, rich, updates)
    some = after(runs, kind, rich, tried(runs, kind, rich)[-1])
    unknown = pl.lit(None, pl.Float64)
    ends = {"low": pl.lit(0.0), "reached": unknown, "high": pl.lit(math.inf), "censored": pl.lit(True), PAID: unknown}
    return some.with_columns(**ends)


def even(scratch, ours):
    """Each learner's ln n*, from what a task takes it, as `pairs` gives differences: anything where C is not known."""
    paid = ours.select(*KEY, PAID)
    saved = st.pairs(scratch, ours, scale="linear").join(paid, on=KEY, maintain_order="left")
    # The more is saved, the fewer tasks it takes; where nothing is, no number does.
    ends = {"low": "high", "high": "low", "shown_low": "shown_high", "shown_high": "shown_low"}
    tasks = {end: (pl.col(PAID) / pl.col(other).clip(lower_bound=0.0)).log() for end, other in ends.items()}
    any_number = {end: -math.inf if end in ("low", "shown_low") else math.inf for end in ends}
    return saved.select(
        *KEY, *(tasks[end].fill_null(any_number[end]).alias(end) for end in ends), unit=pl.lit("ln tasks")
    )


def broken_even(scratch, ours):
    """Returns n*."""
    return st.effect(even(scratch, ours)).through(lambda x: math.exp(x) if x < 700 else math.inf, "tasks")


def slope(runs):
    """How ln n* changes with ln M where there is more than one look."""
    frames = [
        even(from_scratch(runs, EXEMPLAR, m), best(runs, EXEMPLAR, m)).with_columns(pl.lit(m).alias(LOOKS))
        for m in richness(runs, EXEMPLAR)
        if m > 1
    ]
    found = st.slopes(pl.concat(frames), {"ln M": pl.col(LOOKS).log()}, "ln M", scale="linear")
    # Where no number of tasks does at either end of the axis, nothing is known.
    unknown = {"low": -math.inf, "high": math.inf, "shown_low": -math.inf, "shown_high": math.inf}
    return st.effect(found.with_columns(pl.col(end).fill_nan(value) for end, value in unknown.items()))


def share(runs, kind, rich, tasks):
    """The base model's share of FLOPs with the budget of which so many tasks cost least; 0 where scratch costs less.

    Where budgets cost all but the same, the share may still differ much between them, and chance chooses. So the
    interval is that of all budgets that cost at most `NEAR` times the least. Where none serves the share may be any.
    """
    found = serving(runs, kind, rich, tasks)
    if not found:
        worlds = len(_worlds(runs, kind, choosing=False))
        return st.median_interval([0.0] * worlds, [1.0] * worlds, unit="of FLOPs")
    alone = from_scratch(runs, kind, rich, choosing=True).select(pl.coalesce("reached", "low").median()).item()
    least = min(found.values())
    near = [updates for updates, costs in found.items() if costs <= NEAR * least]

    def shares(updates, each):
        paid = pl.when(least < tasks * alone).then(PAID).otherwise(0.0)
        return after(runs, kind, rich, updates).select(paid / (pl.col(PAID) + tasks * each)).to_series().to_numpy()

    low = np.min([shares(updates, pl.col("high")) for updates in near], axis=0)
    high = np.max([shares(updates, pl.col("low")) for updates in near], axis=0)
    chosen = budget(runs, kind, rich, tasks)
    shown = shares(chosen, pl.coalesce("reached", "high")), shares(chosen, pl.coalesce("reached", "low"))
    return st.median_interval(low, high, shown=shown, unit="of FLOPs")


def _inside_budgets(runs):
    """Asks whether budgets that count lie inside of those tried."""
    most = {kind: richness(runs, kind)[-1] for kind in KINDS}
    asked = [(EXEMPLAR, m, None) for m in richness(runs, EXEMPLAR) if m > 1]
    asked += [(EXEMPLAR, most[EXEMPLAR], 100), (CIPHER, most[CIPHER], None)]
    ends = [
        f"{kind.name} {rich}" + (f" for {tasks} tasks" if tasks else "")
        for kind, rich, tasks in asked
        if budget(runs, kind, rich, tasks) in (None, tried(runs, kind, rich)[0], tried(runs, kind, rich)[-1])
    ]
    n = float(len(ends))
    counted = st.Estimate(n, n, n, f"of {len(asked)} budgets", 0, method="choices in worlds of their own")
    name = "budgets at an end of those tried, or none that serves"
    return st.Check(name, f"{name} = 0", counted, not ends, needs=f"more budgets in {'; '.join(ends)}")


def _scratch(runs, kind, rich):
    return st.best_arm(runs[f"{kind.name}_scratch"], kind.scratch, where={kind.rich: rich})


def assay(runs):
    """Prediction does more than its sham, there is room, arms are seen, rates and budgets were tuned, enough worlds."""
    checks, many = [], [m for m in richness(runs, EXEMPLAR) if m > 1]
    for kind, border, rich in ((EXEMPLAR, 10, many), (CIPHER, 1, richness(runs, CIPHER)[-1:])):
        most, name = rich[-1], kind.name
        chosen = {m: budget(runs, kind, m) for m in rich}
        scratch, ours = from_scratch(runs, kind, most), best(runs, kind, most)
        free = after(runs, kind, most, tried(runs, kind, most)[0]).with_columns(low=0.0, reached=0.0, high=0.0)
        checks += [
            st.above(f"ln T sham − predicted, {name}", st.ln_ratio(after_sham(runs, kind), ours), math.log(1.5)),
            st.below(f"room: n* were the least budget all that it takes, {name}", broken_even(scratch, free), border),
        ]
        checks += [st.seen(f"predicted, {name} {m}", best(runs, kind, m)) for m in rich]
        if kind is EXEMPLAR:
            checks += [st.seen(f"scratch, {name} {m}", from_scratch(runs, kind, m)) for m in rich]
        for sweep, arms in (
            ("scratch", {m: _scratch(runs, kind, m) for m in rich}),
            ("predicted", dict.fromkeys(rich, kind.predicted)),
        ):
            here = [trial for trial in runs[f"{name}_{sweep}"].tried if trial.where[kind.rich] in rich]
            # Where step sizes are chosen for each budget, those of the best count.
            here = [t for t in here if t.where.get(BUDGET, chosen[t.where[kind.rich]]) == chosen[t.where[kind.rich]]]
            theirs = [trial for trial in here if trial.regime == arms[trial.where[kind.rich]]]
            checks.append(st.inside_grid(theirs, sorted(set(arms.values()))))
    return [*checks, _inside_budgets(runs)]


def rule(runs):
    """T is the FLOPs of reinforcement that a task takes to 0.9 success, the mean of six tasks with 4 looks, of four
    with 8, of two with 1, 16 and 32, and of one in Cipher; C those of prediction; n* = C / (T from scratch − T after
    prediction), world by world. Where a task does not get there T is at least what was spent. Scratch is the arm that
    took fewest FLOPs in the tuning's worlds. Budgets of prediction are chosen in the first 10 worlds, and all else is
    read from the others. A budget serves if in 9 of these 10 all tasks get there after it. Of those that serve the
    one with the fewest tasks is taken for n*, and for n tasks the one with the least C + n T, by the median of these
    worlds, of which one that does not get there is the worst. Where none serves nothing is known.

    1. the slope of ln n* on ln M, over 4, 8, 16 and 32 looks, is below −0.2: n* falls by a third; it fails where it is
       above;
    2. with 32 looks n* is below 10; it fails above 100;
    3. with 4 skills n* is below 1; it fails above 100;
    4. with 32 looks the base model's share of a hundred tasks' FLOPs is above a half, with all budgets that serve and
       cost at most a tenth more than the best; it fails where it is below a half with all of them;
    5. control: with 32 looks n* of the sham is above 100, or no number of tasks does; with 4 skills the sham ends less
       than 0.1 of success above scratch;
    6. null: with one look n* of 640 updates, fewer than any of those for 32 looks, is above 100.

    Assay: in the richest worlds ln T after the sham exceeds ln T after prediction by more than ln 1.5; n* would be
    below the border of 2 or 3 if the least budget left nothing to reinforcement; half of the worlds get there after
    prediction, with 4 to 32 looks and 4 skills, and from scratch with 4 to 32 looks: with 4 skills it may be censored,
    which makes n* no more than it is said to be. There some budget serves, none that is chosen lies at an end of those
    tried, and no step size at an end of its grid.

    Supported if all of them hold with their whole interval (95 %, median over worlds); invalid if control or null fails
    with it; refuted if one of 1 to 4 fails with its own share of the 5 %, and the assay holds; else inconclusive.
    """
    looks_, skills = (richness(runs, kind)[-1] for kind in KINDS)
    found = {
        kind: broken_even(from_scratch(runs, kind, rich), best(runs, kind, rich))
        for kind, rich in ((EXEMPLAR, looks_), (CIPHER, skills))
    }
    alone = from_scratch(runs, EXEMPLAR, looks_)
    ended, scratch = (
        st.scores(runs[f"cipher_{kind}"].cells, arm, where={SKILLS: skills})
        for kind, arm in (("sham", CIPHER.sham), ("scratch", _scratch(runs, CIPHER, skills)))
    )
    poor = after(runs, EXEMPLAR, 1, tried(runs, EXEMPLAR, 1)[-1])
    return st.decide(
        [
            st.below("slope of ln n* on ln M", slope(runs), -FALL),
            st.below(f"n* with {looks_} looks", found[EXEMPLAR], 10, fails=100),
            st.below(f"n* with {skills} skills", found[CIPHER], 1, fails=100),
            st.above(f"share of 100 tasks, {looks_} looks", share(runs, EXEMPLAR, looks_, 100), 0.5),
        ],
        assay=assay(runs),
        control=[
            st.above("n* of the sham, exemplar", broken_even(alone, after_sham(runs, EXEMPLAR)), 100),
            st.below("success of the sham − from scratch, cipher", st.difference(ended, scratch), 0.1),
        ],
        null=[st.above("n* with one look", broken_even(from_scratch(runs, EXEMPLAR, 1), poor), 100)],
        cells=pl.concat([run.cells.select(SPENT) for run in runs.values()], how="vertical_relaxed"),
        rule=f"scratch is {_scratch(runs, EXEMPLAR, looks_)} and {_scratch(runs, CIPHER, skills)}",
    )


def _drawn(lines, title, axis, **vertical):
    """A figure of estimates against richness; `lines` are names with values and estimates."""
    drawn = go.Figure()
    for (name, style, symbol), (values, found) in zip(looks(list(lines)), lines.values(), strict=True):
        text = [one.text() for one in found]
        add_marks(
            drawn, name, style, symbol, values, found, text=text, hovertemplate=f"<b>{name}</b>, %{{x}}<br>%{{text}}"
        )
    return drawn.update_layout(
        title_text=title,
        xaxis={"title": {"text": "looks M, or skills K"}, "type": "log", "tickvals": [1, 2, 4, 6, 8, 16, 32, 64]},
        yaxis={"title": {"text": axis}, **vertical},
        hovermode="closest",
    )


def figure(runs):
    """Draws n* against richness, and the base model's share of what 1, 10 and 100 tasks cost at least."""
    tasks, shares = {}, {}
    for kind, name in zip(KINDS, ("Exemplar, by looks", "Cipher, by skills"), strict=True):
        values = richness(runs, kind)
        tasks[name] = values, [broken_even(from_scratch(runs, kind, x), best(runs, kind, x)) for x in values]
        for n in (1, 10, 100):
            shares[f"{name}, n = {n}"] = values, [share(runs, kind, x, n) for x in values]
    return [
        _drawn(tasks, "Tasks after which a base model has paid for itself", "tasks, n*", type="log", nticks=6),
        _drawn(shares, "The base model's share of what n tasks cost at least", "share of FLOPs", range=[0, 1.02]),
    ]


def _tunings(worlds, at, less):
    """Every arm on the same step sizes, chosen for each richness, and in Cipher, after prediction, for each budget.

    From scratch, where learners differ, they are chosen over FLOPs.

    Args:
      worlds: how many.
      at: budgets at which Exemplar's are chosen: such as serve.
      less: updates of shams.
    """
    found = {}
    for kind, rates, predicting, given, per in (
        (EXEMPLAR, (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), (1e-3, 4e-3, 1.6e-2, 6.4e-2), {BUDGET: at}, ()),
        (CIPHER, (1e-3, 3e-3, 1e-2, 3e-2), (4e-3, 1.6e-2, 6.4e-2, 2.56e-1), {}, (BUDGET,)),
    ):
        how = {"seeds": range(10_000, 10_000 + worlds), "cap": 0.9}
        alone, rich = {"rl.learning_rate": rates}, (kind.rich,)
        both, first = {**alone, "pretrain.learning_rate": predicting}, {TASK: [0]}
        found |= {
            f"{kind.name}_scratch": rx.Tuning(axes={**alone}, at=first, over="flops", per=rich, **how),
            f"{kind.name}_predicted": rx.Tuning(axes={**both}, at=first | given, per=rich + per, **how),
            f"{kind.name}_sham": rx.Tuning(axes={**both}, settings={"rl.updates": less}, per=rich, **how),
        }
    return found


claim = rx.Claim(
    id="C1",
    question="Does the base model take most of the compute where the world is rich?",
    small={
        **_exemplar(
            factors=2,
            dimensions=64,
            budgets={
                1: [8, 640],
                4: [4, 8, 12, 16, 32, 48],
                8: [32, 48, 64, 96, 128, 192],
                16: [192, 256, 320, 384, 512],
                32: [768, 1024, 1152, 1280, 1536, 1792],
            },
            updates=(3008, 2000, 150, 2400),
            tasks={1: 2, 4: 6, 8: 4, 16: 2, 32: 2},
            seeds=range(270, 306),
            shams=16,
        ),
        **_cipher(
            symbols=4,
            length=3,
            units=32,
            budgets={1: [32], 4: [16, 32, 64, 128, 256]},
            updates=((3600, 2800), 1200, 3600),
            tasks={1: 1, 4: 1},
            seeds=range(270, 306),
            shams=26,
        ),
    },
    full={
        **_exemplar(
            factors=4,
            dimensions=128,
            budgets={
                1: [16, 2048],
                4: [16, 32, 64, 128, 256, 512],
                16: [128, 256, 512, 1024, 2048, 4096],
                64: [2304, 4096, 8192, 12_288, 16_384, 32_768],
            },
            updates=(80_000, 32_000, 600, 51_200),
            tasks={1: 4, 4: 4, 16: 4, 64: 4},
            seeds=range(400, 1424),
            shams=1014,
        ),
        **_cipher(
            symbols=6,
            length=3,
            units=64,
            budgets={1: [64], 4: [16, 64, 256, 1024, 4096], 8: [64, 256, 1024, 4096, 16_384]},
            updates=((64_000, 48_000), 3200, 64_000),
            tasks={1: 4, 4: 4, 8: 4},
            seeds=range(400, 1424),
            shams=1014,
        ),
    },
    tuning=_tunings(3, [16, 64, 320, 640, 1024, 1280], less=304),
    full_tuning=_tunings(8, [64, 1024, 2048, 8192, 16_384], less=1600),
    rule=rule,
    assay="Prediction saves more than its sham does; there is room; arms get there; some budget serves; step sizes and "
    "budgets lie inside of what was tried.",
    figure=figure,
    control="The same compute on other pairs' targets, or other transcripts' answers, pays for no number of tasks.",
    null="M = 1: with one look of each value a budget less than the least for the richest world must not pay.",
    # From the first version's worlds and the pilots, as said above; `cipher_sham` has as many worlds as are judged.
    pilot=[
        rx.Pilot("slope of ln n* on ln M", expected=0.05, spread=0.25, below=-0.2, sweep="cipher_sham"),
        rx.Pilot("n* with 32 looks", expected=1.8, spread=0.3, below=10, sweep="cipher_sham"),
        rx.Pilot("n* with 4 skills", expected=0.15, spread=0.15, below=1, sweep="cipher_sham"),
        rx.Pilot("share of 100 tasks, 32 looks", expected=0.67, spread=0.1, above=0.5, sweep="cipher_sham"),
    ],
)
