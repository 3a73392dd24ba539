"""Does a model of reward make a learner competent under bandwidths like people's? Corridor, outcomes late and seldom.

The five channels have the order of people's bandwidths, compressed to 512 : 32 : 2 : 0.5 : 0.01 bits per step, or less:
the powers 0.6 of their ratios to decisions. One answer decides an episode, whose outcome comes 8 steps later: one in 11
arrives, or one in 2.6. Both from scratch and after prediction, heads alone, four learners are compared: A2C on what
arrives; the same with a value head that learns from replay what outcome to expect of each action, and pays for it at
once, which is a Monte-Carlo critic; the same with a model of reward, which costs as much but expects the reward that
comes so many steps later, is not told how many, and so pays for what was done where no outcome arrives; and its sham.

Command: regimax run sweeps/c08_human_bandwidths.py --small
Cells: 360 in 480 stages, and 1,720 in 1,330 stages of tuning; with --full 15,360 cells and 14,080 of tuning.
Time: 15 minutes by the clock, tuning included, on two cores that other programs also used.
Supported if: beside prediction the model saves more than half of the outcomes that are delivered, under both
  compressions, and more than it saves from scratch.
Refuted if: beside prediction it saves less than a fifth of them, under either.
Seen before the rule: its borders are older. C9's worlds, where a model of reward 16 steps later needs fewer rewards
  than A2C, beside prediction as well; Q-learning there had 0.4 success at most, so it is no arm here. A trial in plain
  JAX, three worlds, one outcome in 11 and no other channel, two step sizes: after prediction 625 outcomes, 660 and more
  than 843 without a head, 743 or more with a value head, 524 to 534 with a model; from scratch 272 to 284 with it, and
  in 1,689 nobody without. So it will save more from scratch than beside prediction, where part 2 asks for the contrary.
  The first tuning chose the largest step sizes of three arms, 0.064, and larger ones were put into the grid, before any
  result was looked at, though one had begun to run.
Second run by one rule, in 24 other worlds. The first was inconclusive, by a tuning of 120 updates under one of the two
  compressions: it chose as what the model is compared with the replayed value head, which comes further by then and is
  stuck afterwards, and a step size at which under the other no head gets stuck as often; from scratch nobody got there
  in 400 updates. So all are tuned under each compression apart; those without a model for 240 updates, which is as long
  as they run after prediction, there in three worlds, as who gets stuck is by chance, and with a smaller step size in
  the grid; and scratch runs for 600. Assay, control, null and borders are as they were. By the first run the model will
  save more from scratch than beside prediction, unless scratch comes sooner when it is tuned for longer: then part 2
  stays open, which by the rule refutes nothing, and the verdict cannot be but inconclusive.
Measured: inconclusive, by two things. Part 2 is open: beside prediction the model saves at most ln 0.42 more than from
  scratch, where more than 0.41 was asked; and one step size lies at an end, that of the model beside prediction under
  HUMAN_SCALED, at 1.0, above which none is allowed: in the tuning's worlds it was better than 0.256 by a thousandth.
  All else holds. Beside prediction the model saves ln 1.35 (0.98 to 1.79) of the outcomes of the best without one under
  HUMAN_SCALED and 1.30 (0.94 to 2.08) under the other, 24 worlds: nearly three quarters of them, where more than a half
  was asked. Its sham saves nothing, it takes more than three times as many, and where no outcome arrives nobody learns.
  Medians of outcomes under the two: after prediction 461 and 1,042 without a head, 438 and 769 with a value head, which
  the rule compares with, 115 and 198 with the model, more than 1,382 and 5,954 with its sham; from scratch more than
  3,456 and 2,977 without a head, more than 3,456 and 9,253 with a value head, 616 and 322 with the model. Tuned for
  longer, the value head gets there after prediction in 23 and 24 of 24 worlds.
What speaks against it: from scratch the model saves more than it saves beside prediction under the other compression,
  by ln 0.79 at least, and under HUMAN_SCALED as far as 600 updates can tell: prediction and a model of reward stand in
  for each other in part, and the claim's second part will hardly hold with a larger budget. From scratch without a
  head is better than the value head that the tuning chose under the other, 2,977 to 9,253. The model knows its lag
  from two, and a replayed value head that learnt the reward of a later step would be this model: what it has more is
  where credit belongs, not its replay. Q-learning is no arm. Heads alone were tried, on four looks.
The first run beside the second: inconclusive. In 16 worlds the model saved more than a factor of 3.5 and of 5 of the
  value head, which got there in 9 and 6 of them, so that neither control nor precision could be told; medians after
  prediction 351 and 3,225 without a head, 991 and more than 1,340 with a value head, 109 and 322 with the model; from
  scratch more than 2,304 and 9,923 without a head, 444 and 347 with the model. What it saves beside prediction is about
  the same in both, now that what it is compared with is well chosen.
Old C8 beside the new: with one decision per episode, and no advantage known where its outcome was lost, a learned
  reward could teach nothing that the outcome did not; the arm without a model was missing, and scratch learnt nothing.
"""

import math
from types import SimpleNamespace

import polars as pl

import regimax as rx
from regimax.channels import HUMAN, HUMAN_SCALED, Bandwidths
from regimax.report import statistics as st
from regimax.report.effort import effort_against

r, learn = rx.regimes, rx.learners
NARROW, WIDE = "HUMAN_SCALED", "power 0.6"
COMPRESSED = {
    NARROW: HUMAN_SCALED,
    WIDE: Bandwidths(*(HUMAN_SCALED.decision * (bits / HUMAN.decision) ** 0.6 for bits in HUMAN)),
}
"""Bits per step."""
WIDTH = "bandwidths"
SCRATCH, PREDICTED = ("pure_rl", "pure_rl-values"), ("pretrain_rl", "pretrain_rl-values")
"""Without a model: nothing beside, and a replayed value head."""
SCRATCH_MODEL, MODEL, SHAM = "pure_rl-model", "pretrain_rl-model", "pretrain_rl-model_sham"
SWEEPS = {"scratch": SCRATCH, "predicted": PREDICTED, "modelled": (SCRATCH_MODEL, MODEL, SHAM)}
ARMS = tuple(arm for arms in SWEEPS.values() for arm in arms)
LITTLE, MUCH, HALF = math.log(1.25), math.log(1.5), math.log(2)
AT_ONCE, TRACES = ({"rl.discount": x, "rl.lambda_": x, "rl.model.weight": 1.0} for x in (0.0, 1.0))


def _sweeps(lag, looks, dimensions, pretraining, budgets, seeds):
    """Without a model, from scratch and after prediction; with it, under both compressions; where no outcome arrives.

    Budgets: of scratch without a model, of scratch with it, of those after prediction, and of the last.
    """
    world = rx.envs.Corridor(positions=4, looks=looks, lag=lag, dimensions=dimensions)
    alone, modelled_alone, updates, never = budgets
    rl = {
        "network": rx.networks.mlp((64, 32)),
        "channels": Bandwidths.channels(world),
        "num_envs": 64,
        "evaluate": r.Evaluate(every=2, episodes=64),
        "stop": r.Stop("success", 0.9, 3),
    }
    # Both heads learn from what arrived alone, four times after each rollout.
    replay = {"gradients": "shared", "updates_per_rollout": 4, "capacity": 64 * 16, "paid_only": True}
    values = learn.reward_model("direct", expects="outcome", **replay)
    model = learn.reward_model("direct", expects="reward", **replay)
    before = {
        "predictor": learn.prediction(learn.objectives.contrastive()),
        "pretrain": {"num_envs": 128, "evaluate": r.Evaluate(every=pretraining // 4, episodes=128)},
        "finetune": "frozen",
        **rl,
    }

    def modelled(budget, name):
        return r.pretrain_rl((pretraining, budget), name=name, learner=model, **before)

    def shuffled(regime):
        first, second = regime.phases
        return regime._replace(phases=(first, second._replace(settings={"model.shuffle": 1})))

    scratch = [
        r.pure_rl(alone, name=SCRATCH[0], **rl),
        r.pure_rl(alone, name=SCRATCH[1], learner=values, record=["outcome"], **rl),
    ]
    predicted = [
        r.pretrain_rl((pretraining, updates), name=PREDICTED[0], **before),
        r.pretrain_rl((pretraining, updates), name=PREDICTED[1], learner=values, record=["outcome"], **before),
    ]
    with_model = [
        r.pure_rl(modelled_alone, name=SCRATCH_MODEL, learner=model, **rl),
        modelled(updates, MODEL),
        shuffled(modelled(updates, SHAM)),
    ]

    first = {"pretrain.learning_rate": 8e-3}  # which C9's tuning chose in this world

    def sweep(regimes, widths, **settings):
        return rx.Sweep(
            world=world,
            regimes=regimes,
            axes={WIDTH: {name: COMPRESSED[name].settings(world) | settings for name in widths}},
            # What is expected is not rounded.
            settings={"rl.model.levels": 2**20} | ({} if regimes is scratch else first),
            seeds=seeds,
            threshold=0.9,
        )

    told = AT_ONCE | {"rl.model.horizon": lag, "rl.learning_rate": 4e-3}
    return {
        "scratch": sweep(scratch, COMPRESSED),
        "predicted": sweep(predicted, COMPRESSED),
        "modelled": sweep(with_model, COMPRESSED),
        "never": sweep([modelled(never, MODEL)], [NARROW], **told, **{"outcome.erasure": 1.0}),
    }


def _times(runs, arm, width):
    [run] = [runs[name] for name, arms in SWEEPS.items() if arm in arms]
    return st.times(run, arm, unit="rewards_delivered", where={WIDTH: width})


def _best(runs, width):
    """The best without a model, in the tuning's worlds: from scratch, and after prediction."""
    where = {WIDTH: width}
    return st.best_arm(runs["scratch"], SCRATCH, where=where), st.best_arm(runs["predicted"], PREDICTED, where=where)


def _saved(runs, width, arm=MODEL):
    """What the model saves beside prediction, ln R, learner by learner."""
    return st.pairs(_times(runs, _best(runs, width)[1], width), _times(runs, arm, width))


def _saved_alone(runs, width):
    """What it saves from scratch."""
    return st.pairs(_times(runs, _best(runs, width)[0], width), _times(runs, SCRATCH_MODEL, width))


def assay(runs):
    """Prediction and model do what they are for, what the model is compared with is seen, and rates were tuned.

    Of scratch a lower bound is enough, as what the model saves of it is asked to be small.
    """
    checks, tried = [], []
    for width in COMPRESSED:
        scratch, predicted = _best(runs, width)
        claimed = (scratch, SCRATCH_MODEL, predicted, MODEL)
        tried += [t for n in SWEEPS for t in runs[n].tried if t.where == {WIDTH: width} and t.regime in claimed]
        time = {arm: _times(runs, arm, width) for arm in ARMS}
        checks += [
            st.above(f"ln R scratch − predicted, {width}", st.ln_ratio(time[scratch], time[predicted]), MUCH),
            st.above(f"ln R sham − modelled, {width}", st.ln_ratio(time[SHAM], time[MODEL]), MUCH),
            st.seen(f"{predicted}, {width}", time[predicted]),
            st.precise(f"ln R saved, {width}", st.effect(_saved(runs, width)), HALF),
        ]
    return [*checks, st.inside_grid(tried, sorted({trial.regime for trial in tried}))]


def rule(runs):
    """R is the outcomes delivered to 0.9 success; without a model is, from scratch and after prediction, that of no
    head beside and the replayed value head which did best in the tuning's worlds under that compression.

    1. beside prediction the model saves, ln R without − with it, more than ln 2, under both compressions; it fails at
       less than ln 1.25;
    2. under HUMAN_SCALED it saves more beside prediction than from scratch, by more than ln 1.5; where it saves less
       that refutes nothing;
    3. control: its sham, which expects the rewards of other episodes, saves less than ln 1.25, under both;
    4. null: where no outcome ever arrives, prediction and model come to 0.9 in less than a quarter of the worlds.

    Assay, under both: prediction without a model saves more than ln 1.5 of scratch, and the model more than ln 1.5 of
    its sham; predicted gets there in half of the worlds at least; the interval of 1 has a half-width of ln 2 at most;
    none of scratch, predicted and the model's arms chose a step size at an end of its grid.

    Supported if all of them hold with their whole interval (95 %, median over worlds; of shares, Wilson); invalid if
    control or null fails with it; refuted if 1 fails with its own share of the 5 %, and the assay holds; else
    inconclusive.
    """
    grown = st.effect(st.pairs(_saved(runs, NARROW), _saved_alone(runs, NARROW)))
    there = st.success_rate(st.times(runs["never"], MODEL, unit="rewards_delivered", where={WIDTH: NARROW}))
    best = (f"{width}: {' from scratch, '.join(_best(runs, width))} after prediction" for width in COMPRESSED)
    return st.decide(
        [
            *(
                st.above(f"ln R saved beside prediction, {width}", st.effect(_saved(runs, width)), HALF, fails=LITTLE)
                for width in COMPRESSED
            ),
            st.above("ln R saved beside prediction − from scratch", grown, MUCH, fails=-math.inf),
        ],
        assay=assay(runs),
        control=[
            st.below(f"ln R saved by the sham, {width}", st.effect(_saved(runs, width, SHAM)), LITTLE)
            for width in COMPRESSED
        ],
        null=[st.below("solved where no outcome arrives", there, 0.25)],
        cells=pl.concat([one.cells for one in runs.values()], how="diagonal_relaxed"),
        rule=f"without a model, {'; '.join(best)}",
    )


def figure(runs):
    """Draws outcomes delivered to the threshold against how many arrive."""
    cells, curves = (
        pl.concat([getattr(runs[sweep], table) for sweep in SWEEPS], how="diagonal_relaxed")
        for table in ("cells", "curves")
    )
    return effort_against(
        SimpleNamespace(cells=cells, curves=curves, facts=runs["modelled"].facts),
        WIDTH,
        ARMS,
        unit="rewards_delivered",
        title="Outcomes delivered to 0.9 success under bandwidths like people's",
        axis="bits per step: the order of people's, compressed",
    )


def _credit(lags):
    """How credit gets from an outcome to what earned it, by traces or by a head beside, is tuned like step sizes.

    There is no choice without the head for those that have one, or a sham would choose to be none.
    """
    longest = max(lags)
    return {f"traces, {longest} steps later": TRACES | {"rl.model.horizon": longest}} | {
        f"at once, {lag} steps later": AT_ONCE | {"rl.model.horizon": lag} for lag in lags
    }


def _tuning(lags, first, worlds, updates):
    """All are tuned under each compression. Those without a model have no lag to choose, and more step sizes.

    Args:
      lags: of which the model does not know which it is.
      first: the seed of the first world.
      worlds: of scratch, of those after prediction, and of those with a model.
      updates: of the same.
    """
    rates = (4e-3, 1.6e-2, 6.4e-2, 2.56e-1)
    without = {"rl.learning_rate": (1e-3, *rates), "credit": {"traces": TRACES, "at once": AT_ONCE}}
    with_model = {"rl.learning_rate": rates, "credit": _credit(lags)}
    return {
        name: rx.Tuning(
            axes={**axes, "rl.model.learning_rate": (*rates, 1.0)},
            seeds=range(first, first + n),
            per=(WIDTH,),
            cap=0.9,
            settings={"rl.updates": longest},
        )
        for name, axes, n, longest in zip(SWEEPS, (without, without, with_model), worlds, updates, strict=True)
    }


claim = rx.Claim(
    id="C8",
    question="Does a model of reward make a learner competent under bandwidths like people's?",
    small=_sweeps(lag=8, looks=4, dimensions=32, pretraining=400, budgets=(600, 400, 240, 60), seeds=range(16, 40)),
    full=_sweeps(
        lag=64, looks=16, dimensions=64, pretraining=8000, budgets=(9600, 6400, 2400, 400), seeds=range(40, 1064)
    ),
    tuning=_tuning((4, 8), 10_000, worlds=(2, 3, 2), updates=(240, 240, 120)),
    full_tuning=_tuning((4, 16, 64), 10_000, worlds=(16, 16, 16), updates=(2400, 2400, 1200)),
    rule=rule,
    assay="Under both compressions prediction saves more than ln 1.5 of scratch, and the model of its sham; predicted "
    "gets there in half of the worlds at least, the effect's interval is narrow, and no arm of the claim chose a step "
    "size at an end of its grid.",
    figure=figure,
    pilot=[
        rx.Pilot(f"ln R saved beside prediction, {width}", expected=1.2, spread=spread, above=HALF, sweep="modelled")
        for width, spread in {NARROW: 0.55, WIDE: 1.1}.items()  # of the first run, against no head beside
    ],
    control="pretrain_rl-model_sham: its model expects the rewards of other episodes; the same compute, and no credit.",
    null="No outcome ever arrives, so that success is never seen: nobody may learn, whatever pays for steps.",
)
