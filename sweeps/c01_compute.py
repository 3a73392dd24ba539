"""Does the base model take most of the compute? Exemplar and Cipher, by the cost of many tasks that share one.

A base model has predicted a reward-free stream for C FLOPs, and is shared by tasks, each of which then takes T FLOPs of
reinforcement to 0.9 success. It breaks even at n* = C / (T from scratch − T after it) tasks. The longer it predicts the
more it costs, and the less is left to reinforcement, so that its budget is what is asked for. In Exemplar every value
of a factor has M looks, and heads alone are taught on what was predicted; in Cipher there are K skills, and the head
that predicted others' answers is kept. Tasks draw anew what counts, over the same looks or skills.

Command: regimax run sweeps/c01_compute.py --small
Cells: 2,122 in 2,902 stages, and 1,182 in 1,338 stages of tuning; with --full 215,028 cells and 2,784 of tuning.
Time: 13.5 minutes by the clock, tuning included, on two cores that other programs also used.
Supported if: n* falls as looks grow from 4 to 32, is below 10 tasks there, and below one with 4 skills; and of what a
  hundred tasks cost at least with 32 looks more than a half is the base model's.
Refuted if: n* rises with looks, or is above 100 in the richest world of either kind.
Seen before the rule was written, in three and four worlds that nothing else uses, at one or two step sizes, in GFLOP:
  from scratch Q-learning takes 0.08, 0.25, 1.6 and 5.8 with 1, 4, 16 and 32 looks, A2C 0.06, 0.23, 2.3 and above 7.
  Heads on a base model of 8 updates of 64 pairs take 0.03 with one look; of 8 and 16 0.10 and 0.04 with 4; of 32 and 64
  0.22 and 0.04 with 8; of 128 and 512 0.3 and 0.04 with 16; of 512 and 1,024 0.2 with 32, where 512 updates cost 4.8.
  So n* seemed to be near one at any number of looks above one. With 4 and 6 skills and two answers scratch takes 1.3
  and 2.0, and base models of 256 to 512 updates, for 1.4 to 2.9, leave 0.4 to 1.0, so that n* is above 2 there; three
  answers had been asked for before that was seen, and were not tried.
Tuned anew once, before any result was looked at: over FLOPs the first evaluation after prediction counted for all that
  prediction had cost, so that chance in it chose step sizes; and Cipher's prediction had chosen the largest.
Measured: inconclusive, by a mistake of the rule: it chooses a budget as if who does not get there had done so when
  reinforcement ended, which is sooner than scratch does. So with 16 and 32 looks it chose the least budget, after which
  nobody gets there, and n* and its slope are not known; with 4 skills 11 of 16 do not get there. With 32 looks the base
  model's share of a hundred tasks is 0.376 (0.256 to 0.477), below a half. Control and null hold.
What the same run says of each budget, which decides nothing: medians of n* at the best budget of those with which half
  of the worlds get there are 8 tasks with one look, and 1.9, 1.9, between 1.2 and 2.3, and 1.6 with 4, 8, 16 and 32,
  at 16, 64, 256 and 1,024 updates: about two at any number of looks above one, and nothing that falls. What a base
  model costs grows as what scratch takes, 0.04, 0.14, 0.4, 1.9 and 6.2 GFLOP (by Q-learning with 32 looks, by heads on
  a random trunk with one, and by A2C between); after those budgets a task takes 0.03, 0.05, 0.05, 0.14 and 0.2.
What speaks against it: step sizes after prediction were chosen at 512 updates and fewer, where with 32 looks nobody
  gets there, so that those of 1,024 and 2,048 are not tuned. With 4 skills no budget serves: after 128 updates 12 of 16
  worlds get there, after 1,024 none, at a step size of prediction, 0.064, that was chosen at 256. What comes of a
  hundred tasks hangs on the few worlds that are stuck. Choosing budgets by worlds that got there needs another rule.
Old C1 beside the new: success at equal FLOPs, 4.7 GFLOP in all, where 64 looks could not be told apart by anybody and
  8 were by everybody, after squared errors; it gave a share of 0, with no room for any other. Costs to a threshold can
  tell: one base model pays for itself after about two tasks, and takes most of the compute of few tasks, not of many.
Borders: with one look n* of the best budget is no null. It tends to 0 with the least budget that is tried (8 updates
  cost 0.07 GFLOP and save 0.015, n* = 5), whatever there is to find; so the null takes the budget that serves a hundred
  tasks best in the richest world. K = 1 is none either: the head that is kept is the task's answer.
"""

import math
from typing import NamedTuple

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
CHOOSING = 6  # worlds, the first of all, in which budgets are chosen; the others tell what came of it


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


def _sweeps(kind, world, budgets, tasks, seeds, scratch, predicted, sham):
    """Sweeps of one kind: from scratch, of base models by their budgets, and of the sham in the richest world.

    Args:
      budgets: by richness, updates of prediction, all multiples of the least.
      tasks: for each world.
      scratch: its regimes.
      predicted: its regime.
      sham: likewise.
    """
    shared = {"world": world, "threshold": 0.9}
    most = max(budgets)
    middle = budgets[most][len(budgets[most]) // 2]
    return {
        f"{kind.name}_scratch": rx.Sweep(
            regimes=scratch, axes={kind.rich: list(budgets), TASK: range(tasks)}, seeds=seeds, **shared
        ),
        f"{kind.name}_predicted": rx.Sweep(
            regimes=[predicted],
            axes={
                (kind.rich, BUDGET): [(rich, updates) for rich, tried in budgets.items() for updates in tried],
                TASK: range(tasks),
            },
            seeds=seeds,
            **shared,
        ),
        f"{kind.name}_sham": rx.Sweep(
            regimes=[sham],
            axes={kind.rich: [most], BUDGET: [middle], TASK: [0]},
            seeds=seeds[CHOOSING:],
            **shared,
        ),
    }


def _exemplar(factors, dimensions, budgets, updates, tasks, seeds):
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
        scratch=[
            r.pure_rl(actor, name="pure_rl-A2C", evaluate=SELDOM, **rl),
            r.pure_rl(values, name="pure_rl-Q", evaluate=OFTEN, **q),
            r.pure_rl(heads, name="pure_rl-frozen", evaluate=OFTEN, finetune="frozen", **q),
        ],
        predicted=r.pretrain_rl((least, heads), evaluate=OFTEN, **before),
        sham=r.sham_rl((least, sham), evaluate=SELDOM, **before),
    )


def _cipher(symbols, length, units, budgets, updates, tasks, seeds):
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


def _mean(frame):
    """FLOPs of a task; of who does not get there what it was given."""
    return frame.select(pl.coalesce("reached", "low").mean()).item()


def budget(runs, kind, rich, tasks=None):
    """Returns the budget of prediction that is best in the worlds where budgets are chosen.

    Args:
      tasks: that share it, for which all together are to cost least; when None the fewest to break even are sought.
    """
    alone, found = _mean(from_scratch(runs, kind, rich, choosing=True)), {}
    for updates in tried(runs, kind, rich):
        ours = after(runs, kind, rich, updates, choosing=True)
        paid, each = ours[PAID].mean(), _mean(ours)
        least = paid / (alone - each) if alone > each else math.inf
        found[updates] = least if tasks is None else paid + tasks * each
    return min(found, key=found.__getitem__)


def best(runs, kind, rich):
    """What a task takes with the base model that breaks even soonest."""
    return after(runs, kind, rich, budget(runs, kind, rich))


def even(scratch, ours):
    """Each learner's ln n*, from what a task takes it, as `pairs` gives differences."""
    paid = ours.select(*KEY, PAID)
    saved = st.pairs(scratch, ours, scale="linear").join(paid, on=KEY, maintain_order="left")
    # The more is saved, the fewer tasks it takes; where nothing is, no number does.
    ends = {"low": "high", "high": "low", "shown_low": "shown_high", "shown_high": "shown_low"}
    tasks = [(pl.col(PAID) / pl.col(other).clip(lower_bound=0.0)).log().alias(end) for end, other in ends.items()]
    return saved.select(*KEY, *tasks, unit=pl.lit("ln tasks"))


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
    found = st.slopes(pl.concat(frames), {"ln M": pl.col(LOOKS).log()}, "ln M")
    # Where no number of tasks does at either end of the axis, nothing is known.
    unknown = {"low": -math.inf, "high": math.inf, "shown_low": -math.inf, "shown_high": math.inf}
    return st.effect(found.with_columns(pl.col(end).fill_nan(value) for end, value in unknown.items()))


def share(runs, kind, rich, tasks):
    """The base model's share of FLOPs with the budget of which so many tasks cost least; 0 where scratch costs less."""
    updates = budget(runs, kind, rich, tasks)
    first, ours = (after(runs, kind, rich, updates, choosing) for choosing in (True, False))
    alone = tasks * _mean(from_scratch(runs, kind, rich, choosing=True))
    paid = ours[PAID] * (first[PAID].mean() + tasks * _mean(first) < alone)
    ends = [paid / (paid + tasks * ours[end]) for end in ("high", "low")]
    shown = [paid / (paid + tasks * ours["reached"].fill_null(ours[end])) for end in ("high", "low")]
    return st.median_interval(*ends, shown=(shown[0], shown[1]), unit="of FLOPs")


def _inside_budgets(runs):
    """Asks whether budgets that count lie inside of those tried."""
    most = {kind: richness(runs, kind)[-1] for kind in KINDS}
    asked = [(EXEMPLAR, m, None) for m in richness(runs, EXEMPLAR) if m > 1]
    asked += [(EXEMPLAR, most[EXEMPLAR], 100), (CIPHER, most[CIPHER], None)]
    ends = [
        f"{kind.name} {rich}" + (f" for {tasks} tasks" if tasks else "")
        for kind, rich, tasks in asked
        if budget(runs, kind, rich, tasks) in (tried(runs, kind, rich)[0], tried(runs, kind, rich)[-1])
    ]
    n = float(len(ends))
    counted = st.Estimate(n, n, n, f"of {len(asked)} budgets", 0, method="choices in worlds of their own")
    name = "budgets at an end of those tried"
    return st.Check(name, f"{name} = 0", counted, not ends, needs=f"more budgets in {'; '.join(ends)}")


def _scratch(runs, kind, rich):
    return st.best_arm(runs[f"{kind.name}_scratch"], kind.scratch, where={kind.rich: rich})


def assay(runs):
    """Prediction does more than its sham, there is room, arms are seen, rates and budgets were tuned, enough worlds."""
    checks, many = [], [m for m in richness(runs, EXEMPLAR) if m > 1]
    for kind, border, rich in ((EXEMPLAR, 10, many), (CIPHER, 1, richness(runs, CIPHER)[-1:])):
        most, name = rich[-1], kind.name
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
            ours = [trial for trial in here if trial.regime == arms[trial.where[kind.rich]]]
            checks.append(st.inside_grid(ours, sorted(set(arms.values()))))
    return [*checks, _inside_budgets(runs), st.precise("slope of ln n* on ln M", slope(runs), 0.5)]


def rule(runs):
    """T is the FLOPs of reinforcement that a task takes to 0.9 success, the mean of two tasks in Exemplar and of one in
    Cipher; C those of prediction; n* = C / (T from scratch − T after prediction), world by world. Scratch is the arm
    that took fewest FLOPs in the tuning's worlds. Budgets of prediction are chosen in the first 6 worlds, and all else
    is read from the others: for n* the budget with the fewest tasks, for n tasks that with the least C + n T.

    1. the slope of ln n* on ln M, over 4, 8, 16 and 32 looks, is below 0; it fails where it is above;
    2. with 32 looks n* is below 10; it fails above 100;
    3. with 4 skills n* is below 1; it fails above 100;
    4. with 32 looks the base model's share of a hundred tasks' FLOPs is above a half; where it is not that refutes
       nothing;
    5. control: with 32 looks n* of the sham is above 100, or no number of tasks does; with 4 skills the sham ends less
       than 0.1 of success above scratch;
    6. null: with one look, n* of the budget that is best for a hundred tasks with 32 looks is above 100.

    Assay: in the richest worlds ln T after the sham exceeds ln T after prediction by more than ln 1.5; n* would be
    below the border of 2 or 3 if the least budget left nothing to reinforcement; half of the worlds get there after
    prediction, with 4 to 32 looks and 4 skills, and from scratch with 4 to 32 looks: with 4 skills it may be censored,
    which makes n* no more than it is said to be. There no step size lies at an end of its grid, and no budget at an end
    of those tried; the interval of 1 has a half-width of 0.5 at most.

    Supported if all of them hold with their whole interval (95 %, median over worlds); invalid if control or null fails
    with it; refuted if 1, 2 or 3 fails with its own share of the 5 %, and the assay holds; else inconclusive.
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
    poor = after(runs, EXEMPLAR, 1, budget(runs, EXEMPLAR, looks_, 100))
    return st.decide(
        [
            st.below("slope of ln n* on ln M", slope(runs), 0.0),
            st.below(f"n* with {looks_} looks", found[EXEMPLAR], 10, fails=100),
            st.below(f"n* with {skills} skills", found[CIPHER], 1, fails=100),
            st.above(f"share of 100 tasks, {looks_} looks", share(runs, EXEMPLAR, looks_, 100), 0.5, fails=-math.inf),
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
    """Every arm on the same step sizes; from scratch, where learners differ, over FLOPs; shams in `less` updates."""
    found = {}
    for kind, rates, predicting in (
        (EXEMPLAR, (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1), (1e-3, 4e-3, 1.6e-2, 6.4e-2)),
        (CIPHER, (1e-3, 3e-3, 1e-2, 3e-2), (4e-3, 1.6e-2, 6.4e-2, 2.56e-1)),
    ):
        how = {"seeds": range(10_000, 10_000 + worlds), "cap": 0.9, "per": (kind.rich,)}
        both = {"rl.learning_rate": rates, "pretrain.learning_rate": predicting}
        found |= {
            f"{kind.name}_scratch": rx.Tuning(axes={"rl.learning_rate": rates}, at={TASK: [0]}, over="flops", **how),
            f"{kind.name}_predicted": rx.Tuning(axes={**both}, at={TASK: [0], BUDGET: at[kind.name]}, **how),
            f"{kind.name}_sham": rx.Tuning(axes={**both}, settings={"rl.updates": less}, **how),
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
                1: [8, 32, 128, 256, 512, 1024, 2048],
                4: [4, 8, 16, 32, 64],
                8: [16, 32, 64, 128, 256],
                16: [64, 128, 256, 512, 1024],
                32: [128, 256, 512, 1024, 2048],
            },
            updates=(5008, 2000, 150, 2400),
            tasks=2,
            seeds=range(200, 222),
        ),
        **_cipher(
            symbols=4,
            length=3,
            units=32,
            budgets={1: [8, 32], 4: [64, 128, 256, 512, 1024]},
            updates=((3600, 2800), 800, 3600),
            tasks=1,
            seeds=range(200, 222),
        ),
    },
    full={
        **_exemplar(
            factors=4,
            dimensions=128,
            budgets={
                1: [16, 64, 4096, 8192, 16_384, 32_768],
                4: [16, 32, 64, 128, 256, 512],
                16: [128, 256, 512, 1024, 2048, 4096],
                64: [1024, 2048, 4096, 8192, 16_384, 32_768],
            },
            updates=(80_000, 32_000, 600, 51_200),
            tasks=4,
            seeds=range(200, 1224),
        ),
        **_cipher(
            symbols=6,
            length=3,
            units=64,
            budgets={1: [16, 64], 4: [64, 256, 1024, 4096], 8: [256, 1024, 4096, 16_384]},
            updates=((64_000, 48_000), 3200, 64_000),
            tasks=4,
            seeds=range(200, 1224),
        ),
    },
    tuning=_tunings(3, {"exemplar": [16, 128, 512], "cipher": [32, 256]}, less=304),
    full_tuning=_tunings(8, {"exemplar": [64, 1024, 4096], "cipher": [64, 1024]}, less=1600),
    rule=rule,
    assay="Prediction saves more than its sham does; there is room; arms get there; step sizes and budgets lie inside "
    "of what was tried; the slope is known to 0.5.",
    figure=figure,
    control="The same compute on other pairs' targets, or other transcripts' answers, pays for no number of tasks.",
    null="M = 1: with one look of each value what is best for a hundred tasks in the richest world must not pay.",
    # Of three worlds at one or two step sizes, as said above.
    pilot=[
        rx.Pilot("slope of ln n* on ln M", expected=0.15, spread=0.2, below=0.0),
        rx.Pilot("n* with 32 looks", expected=0.9, spread=0.4, below=10),
        rx.Pilot("share of 100 tasks, 32 looks", expected=0.6, spread=0.1, above=0.5),
    ],
)
