"""Does reinforcement learning after prediction only highlight what is there? Cipher, by how much the stream covers.

A base model has predicted others' answers, and keeps the head that did: reinforcement learning on its outcomes is a
language model's in miniature. Its stream shows a share κ of the four skills that the task asks for, strangers' in the
others' places. If reinforcement only highlights, it ends where κ does, it solves nothing that the base model does not
solve within 256 tries, and a change of rank 1 to the weights is enough. Of eight symbols and four answers there are
4,096, so that who knows nothing solves few episodes in 256 tries: what is solved so is known.

Command: regimax run sweeps/c02_highlights.py --small
Cells: 736 in 1,056 stages, and 660 in 717 stages of tuning; with --full 24,576 cells and 660 of tuning.
Time: 12 minutes by the clock, tuning included, on two cores that other programs also used.
Supported if: at every κ reinforcement ends within 0.1 of κ and no more than 0.1 above the base model's pass@256, and
  rank 1 needs less than 1.5 times the episodes of full fine-tuning.
Refuted if: it ends more than 0.1 above pass@256 at some κ, or rank 1 needs more than twice the episodes.
Seen before the rule was written: trials in the tuning's worlds, which no result uses. With κ = 1/2 reinforcement ended
  at 0.50, where pass@256 was 0.58; rank 1 did best at four to eight times the step size of full fine-tuning; heads
  alone stayed where they began. Before its fourth version, the third's run, as told below, and eight worlds of their
  own (seeds from 30,000) with κ = 1, two rates of prediction, three step sizes of rank 1 and 96,000 episodes at most.
  At what the third's tuning chose rank 1 got there in all eight, in 12,800 to 29,120 episodes, full fine-tuning in
  6,720 to 10,240; ln T differed by 0.27, 0.39, 0.66, 0.68, 0.86, 1.13, 1.15 and 1.18. At other step sizes rank 1 was
  slower, and full fine-tuning, after the smaller rate of prediction, did not get there in one. The number of worlds and
  the budget were set by that; borders and grids are as they were.
Fourth version of the rule, with the borders of the third: what is new is where T is read from. The first two asked in
  Exemplar for a share of effort that is to be saved, which says nothing on what reinforcement does after prediction.
  The third, in this world, read T from the sweep that shows where reinforcement ends: 16 worlds, 32,000 episodes, one
  evaluation every 640, step sizes that were best with κ = 1/2 and 1 over as many episodes. It was inconclusive, as rank
  1 did not get there in 7 worlds. Now T has a sweep of its own: κ = 1, 192 worlds (seeds 32 to 223), twice the
  episodes, an evaluation every 320, and a stop at the threshold; and a tuning of its own, with κ = 1, that budget, the
  same grids for both arms, and six worlds. All else is the third's, in 16 fresh worlds (seeds 16 to 31; it had 0 to
  15), with the same tuning in the same three worlds. It will hardly be supported: of the 24 worlds seen so far 13 or 14
  lie above ln 2. Were it 0.6 of all worlds, half of such runs would refute it, and were it 0.65, nine of ten.
Measured: refuted, by rank 1 alone. Full fine-tuning takes 8,960 episodes with κ = 1, rank 1 20,640 (medians of 192
  worlds; 23 of rank 1 not within 64,000): ln T 0.84 (0.75 to 0.94) more, where ln 1.5 = 0.41 was allowed and ln 2 =
  0.69 refutes. All else holds. Where the stream covers 0, 1/4, 1/2, 3/4 and all, reinforcement ends at 0.01, 0.25,
  0.51, 0.74 and 0.98 (medians of 16 worlds): where κ does. The base model's pass@256 is 0.01, 0.23, 0.50, 0.76 and
  1.00, its pass@1 0.00, 0.05, 0.13, 0.18 and 0.25: success exceeds pass@256 nowhere, at 1/2 by 0.00 (−0.03 to 0.05). So
  reinforcement brings out what was there, and adds nothing, as claimed; but that takes more than a change of rank 1 to
  the weights. Heads alone stay at 0.26. A base model without its head, the sham, an oracle and both learners from
  scratch are at 0.00: what they lack is the behaviour, not the concepts.
What speaks against it: it is so where reward comes at the end. Paid for every step, Q-learning finds all four skills
  in as many episodes, on that trunk and from scratch (1.00 both), and so goes beyond any base model; A2C with the base
  model's head does not even then (0.50). What only highlights is thus a policy gradient that starts from a prior. With
  much longer budgets it may find the rest, by chance one success in 4,096. Rank 1 chose twice the step size of full
  fine-tuning, not ten times, and one rank of a GRU of 48 units is little. What T compares begins from two base models,
  as each arm chooses the rate of its own prediction: 0.003 for rank 1, 0.01 for full fine-tuning. Worlds seem to be of
  two kinds, in which rank 1 takes about 1.7 times as long or 2.4 and more, so that a median between them moves easily.
  Arms that are not of the claim chose ends of their grids, scratch among them, at 0.00 everywhere.
Old C2 beside the new: in Exemplar with 16 looks heads alone needed 1,088 episodes, rank 1 1,184, full fine-tuning 4,192
  and scratch 14,080: small changes sufficed where a bandit's answer is linear in what was predicted. With a head kept,
  and cues to be told apart by recurrent weights, they do not: heads alone get nowhere, and rank 1 is twice as slow.
  What is new is the ceiling, which the old design could not ask for: it had no base model that answers.
"""

import math

import plotly.graph_objects as go
import polars as pl

import regimax as rx
from regimax.report import statistics as st
from regimax.report.marks import add_marks, looks
from regimax.report.score import score_against

r, learn = rx.regimes, rx.learners
KAPPA, PAID = "world.coverage", "paid"
OURS = ("imitation_rl", "imitation_rl-rank-1")
SCRATCH = ("pure_rl-A2C", "pure_rl-Q")
DENSE = ("pretrain_rl-Q", "pure_rl-Q")
EPISODE = 4  # answers
CURIOUS, STEPS = "at the end, more entropy", "every step"
LONGER = 2  # times the updates, of those who stop when they get there
PREDICTS = {"pretrain.learning_rate": 3e-3}  # of those that the claim is not about


def _sweeps(symbols, skills, coverage, units, pretraining, updates, every, seeds, many):
    """What the stream covers; all of it, until they get there; that for those to compare with; half, paid otherwise.

    `many` are seeds of the second, of which a ratio of times is to be known.
    """
    world = rx.envs.Cipher(symbols=symbols, skills=skills, length=EPISODE)
    rl = {
        "network": rx.networks.gru(units),
        "num_envs": 64,
        "evaluate": r.Evaluate(every=every, episodes=128),
    }
    before = {"evaluate": r.Evaluate(every=pretraining // 2, episodes=64)}
    both = {"updates": (pretraining, updates), "pretrain": before, **rl}
    often = {"evaluate": r.Evaluate(every=every // 2, episodes=128), "stop": r.Stop("success", 0.9, 3)}
    until = both | {"updates": (pretraining, LONGER * updates)} | often
    replay = learn.q_learning(4, capacity=64 * 64)
    tries = rx.probes.attempts((1, 16, 256), episodes=64)

    def tried(regime):
        return r.probed(regime, tries, phases=["rl"])

    # Its head is kept as that of `imitation_rl` is, and was taught other transcripts' answers.
    sham = r.Regime(
        "imitation_sham",
        (
            r.predict(pretraining, sham=True, network=rl["network"], **before),
            r.reinforce(updates, inherit=("trunk", "policy"), **rl),
        ),
    )
    from_scratch = r.pure_rl(updates, name="pure_rl-Q", learner=replay, **rl)
    shared = {"seeds": seeds, "threshold": 0.9}
    return {
        "coverage": rx.Sweep(
            world=world,
            regimes=[tried(r.imitation_rl(**both)), r.imitation_rl(finetune="rank-1", **both)],
            axes={KAPPA: coverage},
            **shared,
        ),
        "ranks": rx.Sweep(
            world=world,
            regimes=[r.imitation_rl(**until), r.imitation_rl(finetune="rank-1", **until)],
            axes={KAPPA: [1.0]},
            **(shared | {"seeds": many}),
        ),
        "whole": rx.Sweep(
            world=world,
            regimes=[
                r.imitation_rl(finetune="frozen", **both),
                tried(r.pretrain_rl(**both)),
                tried(sham),
                tried(r.pure_rl(updates, name="pure_rl-A2C", **rl)),
                from_scratch,
                r.oracle(updates, **rl),
            ],
            axes={KAPPA: [1.0]},
            settings=PREDICTS,
            **shared,
        ),
        "half": rx.Sweep(
            world=world,
            regimes=[r.imitation_rl(**both), r.pretrain_rl(name="pretrain_rl-Q", learner=replay, **both), from_scratch],
            axes={
                KAPPA: [0.5],
                PAID: {CURIOUS: {"rl.entropy_coef": 0.05}, STEPS: {"world.dense_reward": 1}},
            },
            settings=PREDICTS,
            **shared,
        ),
    }


def ended(run, arm, **where):
    """Success where reinforcement ends."""
    return st.scores(run.cells, arm, where=where).with_columns(unit=pl.lit("success"))


def tries(run, arm, k, when="first", **where):
    """Pass@k where reinforcement begins, or ends."""
    rows = run.probes.filter(pl.col("phase") == "rl")
    at = getattr(pl.col("update"), "min" if when == "first" else "max")()
    return st.scores(rows.filter(pl.col("update") == at), arm, f"pass_at_{k}", where=where).with_columns(
        unit=pl.lit("success")
    )


def halfway(run, arm, **where):
    """Success at half of reinforcement's budget."""
    rows = run.curves.filter(pl.col("phase") == "rl", pl.col("success").is_not_null())
    rows = rows.filter(pl.col("update") <= rows["update"].max() / 2)
    rows = rows.filter(pl.col("update") == pl.col("update").max())
    return st.scores(rows, arm, where=where).with_columns(unit=pl.lit("success"))


def took(runs):
    """Episodes to the threshold where the stream covers all, of full fine-tuning and of rank 1."""
    return [st.times(runs["ranks"], arm, unit="episodes", steps=EPISODE) for arm in OURS]


def assay(runs):
    """Prediction did its job, reinforcement could have gone beyond, it came to rest, and rates were tuned."""
    run, whole, half = runs["coverage"], runs["whole"], runs["half"]
    best = st.best_arm(run, OURS)
    dense = st.best_arm(half, DENSE, where={PAID: STEPS})
    full, rank_1 = took(runs)
    over = st.difference(ended(run, best, **{KAPPA: 1.0}), ended(whole, "imitation_sham"))
    beyond = st.difference(ended(half, dense, **{PAID: STEPS}), tries(run, OURS[0], 256, **{KAPPA: 0.5}))
    rest = st.difference(ended(run, best, **{KAPPA: 0.5}), halfway(run, best, **{KAPPA: 0.5}))
    base = [tries(run, OURS[0], k, **{KAPPA: 1.0}) for k in (256, 1)]
    return [
        st.above("success, predicted − sham, κ = 1", over, 0.25),
        st.above("base's pass@256 − pass@1, κ = 1", st.difference(*base), 0.25),
        st.below("pass@256 of who knows nothing", st.median_score(tries(whole, "pure_rl-A2C", 256)), 0.1),
        st.room("success paid for every step − base's pass@256, κ = 1/2", beyond, 0.1),
        st.within("success, end − halfway, κ = 1/2", rest, -0.1, 0.1),
        *(st.seen(f"{arm}, κ = 1", times) for arm, times in zip(OURS, (full, rank_1), strict=True)),
        st.inside_grid([*run.tried, *runs["ranks"].tried], OURS),
        st.precise("ln T rank 1 − full", st.ln_ratio(rank_1, full), math.log(1.5)),
    ]


def rule(runs):
    """Success is that of one try where reinforcement ends, by full fine-tuning or rank 1, whichever did best in the
    tuning's worlds; T the episodes to 0.9, in a sweep of its own that stops there, with a tuning of its own; pass@k the
    base model's success within k tries, where reinforcement begins.

    1. where the stream covers κ = 1/4, 1/2, 3/4 and all, success lies within 0.1 of κ; where it does not that refutes
       nothing;
    2. at 1/4, 1/2 and 3/4 success exceeds pass@256 by less than 0.1, and at 1/2 with five times the entropy too;
    3. with κ = 1 ln T of rank 1 exceeds ln T of full fine-tuning by less than ln 1.5; it fails above ln 2;
    4. control: with its head kept, and other transcripts' answers in it, success with κ = 1 is less than 0.1 above
       that from scratch, by A2C or Q-learning, whichever did best in the tuning's worlds;
    5. null: with κ = 0 success is less than 0.1 above that from scratch.

    Assay: with κ = 1 success exceeds the sham's by more than 0.25, and the base model's pass@256 its pass@1 by as much;
    a policy that knows nothing solves less than 0.1 in 256 tries; with κ = 1/2 and reward for every step Q-learning, on
    the base model's trunk or from scratch, whichever did best in the tuning's worlds, ends more than 0.1 above the base
    model's pass@256 after as many episodes; in the second half of its budget reinforcement changes success with κ = 1/2
    by less than 0.1; full and rank 1 get to 0.9 in half of the worlds, chose no step size at an end of their grids,
    in that sweep's tuning as in the other, and the interval of 3 has a half-width of ln 1.5 at most.

    Supported if all of them hold with their whole interval (95 %, median over worlds); invalid if control or null
    fails with it; refuted if 2 or 3 fails with its own share of the 5 %, and the assay holds; else inconclusive.
    """
    run, whole, half = runs["coverage"], runs["whole"], runs["half"]
    best, scratch = st.best_arm(run, OURS), ended(whole, st.best_arm(whole, SCRATCH))
    covered = sorted(k for k in run.cells[KAPPA].unique() if k)
    partly = [k for k in covered if k < 1]
    full, rank_1 = took(runs)
    near, beyond = [], []
    for k in covered:
        found = st.median_score(ended(run, best, **{KAPPA: k}))
        near.append(st.above(f"success, κ = {k:g}", found, k - 0.1, fails=-math.inf))
        if k < 1:
            near.append(st.below(f"success, κ = {k:g}", found, k + 0.1, fails=math.inf))
    for k in partly:
        more = st.difference(ended(run, best, **{KAPPA: k}), tries(run, OURS[0], 256, **{KAPPA: k}))
        beyond.append(st.below(f"success − base's pass@256, κ = {k:g}", more, 0.1))
    curious = st.difference(ended(half, OURS[0], **{PAID: CURIOUS}), tries(run, OURS[0], 256, **{KAPPA: 0.5}))
    return st.decide(
        [
            st.below("ln T rank 1 − full", st.ln_ratio(rank_1, full), math.log(1.5), fails=math.log(2)),
            *beyond,
            st.below("success − base's pass@256, κ = 0.5, more entropy", curious, 0.1),
            *near,
        ],
        assay=assay(runs),
        control=[st.below("success, sham − scratch", st.difference(ended(whole, "imitation_sham"), scratch), 0.1)],
        null=[
            st.below("success, κ = 0 − scratch", st.difference(ended(run, best, **{KAPPA: 0.0}), scratch), 0.1),
        ],
        cells=pl.concat(
            [one.cells.select("status", "flops", "env_steps", "passive_steps") for one in runs.values()],
            how="vertical_relaxed",
        ),
        rule=f"reinforcement is {best}, scratch {st.best_arm(whole, SCRATCH)}",
    )


def figure(runs):
    """Draws success after reinforcement against what the stream covers, with the base model's at one try and many."""
    run = runs["coverage"]
    shown = score_against(
        run.cells,
        KAPPA,
        OURS,
        title="Success after reinforcement, by what the base model's stream covered",
        axis="share of the task's skills that the stream shows, κ",
        score="success",
    )
    values = sorted(run.cells[KAPPA].unique().to_list())
    names = ["base model, 1 try", "base model, 256 tries"]
    for k, (name, style, symbol) in zip((1, 256), looks([*OURS, *names])[len(OURS) :], strict=True):
        found = [st.median_score(tries(run, OURS[0], k, **{KAPPA: value})) for value in values]
        add_marks(shown, name, style, symbol, values, found)
    shown.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], name="κ", mode="lines", line={"color": "#686f77", "dash": "dot", "width": 1.5})
    )
    return shown


RATES = {"rl.learning_rate": (2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)}
PREDICTED = {"pretrain.learning_rate": (1e-3, 3e-3, 1e-2, 3e-2)}
WORLDS = range(10_000, 10_003)
TUNING = {
    "coverage": rx.Tuning(axes=RATES | PREDICTED, seeds=WORLDS, at={KAPPA: [0.5, 1.0]}),
    # Stopped at the threshold, so that what counts is how soon; with the whole budget, in which who is slow gets there.
    "ranks": rx.Tuning(axes=RATES | PREDICTED, seeds=range(10_000, 10_006), cap=0.9),
    "whole": rx.Tuning(axes=RATES, seeds=WORLDS),
    "half": rx.Tuning(axes=RATES, seeds=WORLDS, per=(PAID,)),
}

claim = rx.Claim(
    id="C2",
    question="Does reinforcement learning after prediction only highlight what is there?",
    small=_sweeps(
        symbols=8,
        skills=4,
        coverage=[0.0, 0.25, 0.5, 0.75, 1.0],
        units=48,
        pretraining=1000,
        updates=500,
        every=10,
        seeds=range(16, 32),
        many=range(32, 224),
    ),
    full=_sweeps(
        symbols=10,
        skills=8,
        coverage=[0.0, 0.25, 0.5, 0.75, 1.0],
        units=128,
        pretraining=8000,
        updates=4000,
        every=40,
        seeds=range(224, 1248),
        many=range(224, 1248),
    ),
    tuning=TUNING,
    rule=rule,
    assay="With κ = 1 prediction exceeds its sham; who knows nothing solves next to nothing in 256 tries; paid for "
    "every step a learner ends above the base model's pass@256, so that it can be done; reinforcement has come to "
    "rest; full and rank 1 get to 0.9, at step sizes inside of their grids, and the interval is narrow.",
    figure=figure,
    control="imitation_sham: the head that it keeps was taught other transcripts' answers; the same compute.",
    null="κ = 0: the stream shows none of the task's skills, and success must not be above that from scratch.",
    # The first as in the third version's 16 worlds and in eight of their own, those that did not get there above the
    # median. That is the power to tell it from ln 1.5; to refute takes ln 2, beyond which 0.55 of them lie, for which a
    # thousand worlds would be few. The others as the third version found.
    pilot=[
        rx.Pilot("ln T rank 1 − full", expected=0.77, spread=0.4, below=math.log(1.5), sweep="ranks"),
        rx.Pilot("success − base's pass@256, κ = 0.5", expected=-0.03, spread=0.06, below=0.1, sweep="coverage"),
        rx.Pilot("success, κ = 0.5", expected=0.5, spread=0.035, above=0.4, below=0.6, sweep="coverage"),
    ],
)
