"""Are data that one's own agency makes better than others', for prediction and for learning from reward? Lock in looks.

A wrong action in Lock hides all that lies deeper, so what is seen depends on who chooses. Every state has 8 looks, and
nothing about a look tells whose it is: what belongs together can be predicted, from a second look at what was just
answered, and must be known of 64 looks on the way. Every learner has a partner in the same world that acts as often.
What differs is whose stream teaches action values, and whose is predicted: the learner's own; another learner's of the
same age; that of one who chooses evenly and never learns; an expert's, which has learnt before and learns no more; or
its own policy's in other episodes. Action values have the same fixed point whoever acts. All arms cost the same.

Command: regimax run sweeps/c12_agency.py --small
Cells: 216 in 240 stages, and 243 in 246 stages of tuning; with --full 27,648 cells and 1,296 of tuning.
Time: 6.5 minutes by the clock, tuning included, on two cores that other programs also used.
Supported if: the stream of who chooses evenly needs more than 1.5 times the episodes of the learner's own, where it
  teaches values and where it is predicted.
Refuted if: for both it makes less than a factor of 1.5, though an expert's stream needs less by more than that.
Measured: inconclusive: for values own data are better, for prediction nothing can be told. Learners on their own stream
  need 4,000 episodes (median of 24 worlds); where even choices teach values 15,680, ln 1.31 (1.20 to 1.55) more: 3.7
  times as many; where they are predicted 3,840, ln −0.02 (−0.25 to 0.20). But to predict one's own stream saves ln 0.41
  (0.12 to 0.54) of what its sham takes, 5,760, where more than 0.41 was asked to be sure that prediction does anything;
  and learners on their own stream, and those that predict even choices, chose the largest step sizes. Equal policies:
  ln −0.10 (−0.36 to 0.26), so that the test is even.
Beside it: where another learner of the same age teaches values, T is above 26,400 (7 of 24 get there, more than 4.6
  times as many), where an expert does nobody gets there in 32,000; where these are predicted 3,920 and 3,920. So
  passive data of a good policy are the worst there are for values, as in Ostrovski et al. (2021), since they hold no
  errors.
What it would take: step sizes of 3e-2, and of prediction of 6e-2; a world where prediction saves at least twice, by
  more looks or depths, of which the budget grows; a border of ln 1.5 cannot be told from 0.41 by any number of worlds.
What speaks against it: prediction shares its trunk with values, which may learn which looks belong together by
  themselves; streams that never reach deep states are seldom, as random choices reach the last of 4 in 1 of 27
  episodes.
Seen before: that the learner on its own stream gets there in about 6,000 episodes in three of the tuning's worlds, at
  one pair of step sizes.
Old C12 beside the new: in a lock of one look prediction was worth nothing to anybody, and the claim was asked of a
  partner as good as oneself, where no difference is to be expected: ln T −0.04 for values, −0.01 for prediction, with
  even choices as a control, 6.2 times slower. Now even choices are what is asked of: 3.7 times slower for values. In
  many looks a partner of the same age, which was as good then, is far worse for values; for prediction still no stream
  is better than another.
"""

import math
from types import SimpleNamespace

import polars as pl

import regimax as rx
from regimax.report import statistics as st
from regimax.report.effort import effort_against

r, learn = rx.regimes, rx.learners
DEPTH = "world.depth"
OWN, SHAM, ITSELF = "yoked-nothing", "yoked-nothing, sham", "yoked-itself"
KINDS = ("reward", "prediction")
ANOTHERS, EVEN, EXPERTS = ({kind: f"yoked-{kind}{who}" for kind in KINDS} for who in ("", "-nobody", "-expert"))
ARMS = (OWN, SHAM, *ANOTHERS.values(), *EVEN.values(), *EXPERTS.values(), ITSELF)
MUCH = math.log(1.5)


def _sham(regime):
    """The same with the second looks of other streams to predict."""
    phases = tuple(one._replace(settings={**one.settings, "prediction.shuffle": 1}) for one in regime.phases)
    return regime._replace(name=SHAM, phases=phases)


def _sweep(depths, looks, dimensions, expert, updates, every, seeds):
    rl = {
        "network": rx.networks.mlp((64, 32)),
        "num_envs": 16,
        "evaluate": r.Evaluate(every=every, episodes=64),
        "stop": r.Stop("success", 0.9, 3),
        "learner": {"objective": learn.objectives.contrastive()},  # of many looks a squared error has little to predict
    }
    own = r.yoked(updates, "nothing", **rl)
    return rx.Sweep(
        world=rx.envs.Lock(depth=min(depths), actions=3, looks=looks, dimensions=dimensions, max_depth=max(depths)),
        regimes=[
            own,
            _sham(own),
            *(r.yoked(updates, kind, **rl) for kind in KINDS),
            *(r.yoked(updates, kind, "nobody", **rl) for kind in KINDS),
            *(r.yoked((expert, updates), kind, "expert", **rl) for kind in KINDS),
            r.yoked(updates, "both", "itself", **rl),
        ],
        axes={DEPTH: depths},
        settings={"expert.learning_rate": 4e-3, "expert.prediction.learning_rate": 4e-3},
        seeds=seeds,
        threshold=0.9,
    )


def _alone(run):
    """The run without what experts have spent before."""
    first = pl.col("env_steps").first().over("cell")
    curves = run.curves.filter(pl.col("phase") == "rl").with_columns(env_steps=pl.col("env_steps") - first)
    return SimpleNamespace(cells=run.cells, curves=curves, facts=run.facts)


def _times(run):
    """T of every arm at the largest depth."""
    own, deep = _alone(run), run.cells[DEPTH].max()
    return {arm: st.times(own, arm, unit="episodes", steps=DEPTH, where={DEPTH: deep}) for arm in ARMS}


def assay(run):
    """Prediction does more than its sham, comparators are seen, rates were tuned, and intervals are narrow."""
    time = _times(run)
    even = {kind: st.ln_ratio(time[arm], time[OWN]) for kind, arm in EVEN.items()}
    return [
        st.above("ln T sham − own", st.ln_ratio(time[SHAM], time[OWN]), MUCH),
        *(st.seen(arm, time[arm]) for arm in (OWN, *EVEN.values())),
        st.inside_grid(run.tried, (OWN, *EVEN.values())),
        *(st.precise(f"ln T even choices − own, {kind}", found, MUCH) for kind, found in even.items()),
    ]


def rule(run):
    """T is the episodes to 0.9 success, at the largest depth; a partner's are as many and are not added.

    1. ln T exceeds that of learners taught by their own stream by more than ln 1.5 where values are taught by the
       stream of who chooses evenly;
    2. and by more than ln 1.5 where that stream is predicted.

    They fail where both lie within ln 1.5 of 0, and for both an expert's stream needs less than even choices by more
    than ln 1.5: then streams differ, and one's own is no better.

    3. null: where the other stream is made by the learner's own policy, ln T differs by less than ln 1.5.

    Assay: ln T of learners that predict the second looks of other streams exceeds that of learners that predict their
    own by more than ln 1.5; these and the learners of 1 and 2 get to 0.9 in half of the worlds at least, and none chose
    a rate at an end of its grid; intervals of 1 and 2 have a half-width of ln 1.5 at most.

    Supported if all of them hold with their whole interval (95 %, median over worlds); invalid if the null fails with
    it; refuted if 1 or 2 fails with its own share of the 5 %, and the assay holds; else inconclusive.
    """
    time = _times(run)
    more = {kind: st.ln_ratio(time[arm], time[OWN]) for kind, arm in EVEN.items()}
    expert = [st.ln_ratio(time[EVEN[kind]], time[EXPERTS[kind]]) for kind in KINDS]
    alike = all(found.low > -MUCH and found.high < MUCH for found in more.values())
    fails = MUCH if alike and all(found.low > MUCH for found in expert) else -math.inf
    return st.decide(
        [st.above(f"ln T even choices − own, {kind}", found, MUCH, fails=fails) for kind, found in more.items()],
        assay=assay(run),
        null=[st.within("ln T equal policies − own", st.ln_ratio(time[ITSELF], time[OWN]), -MUCH, MUCH)],
        cells=run.cells.filter(pl.col(DEPTH) == run.cells[DEPTH].max()),
    )


def figure(run):
    """Draws episodes to the threshold against depth."""
    return effort_against(
        _alone(run),
        DEPTH,
        ARMS,
        steps=DEPTH,
        title="Episodes to 0.9 success, by whose choices made the data",
        axis="depth, H",
    )


TRIED = {
    "rl.learning_rate": (1e-3, 3e-3, 1e-2),
    "rl.prediction.learning_rate": (1e-3, 4e-3, 1.6e-2),
}
claim = rx.Claim(
    id="C12",
    question="Are data that one's own agency makes better than another's, for prediction and for learning from reward?",
    small=_sweep([4], 8, 32, expert=1500, updates=2000, every=10, seeds=range(200, 224)),
    full=_sweep([4, 5, 6], 16, 64, expert=20_000, updates=40_000, every=20, seeds=1024),
    tuning=rx.Tuning(axes=TRIED, seeds=range(10_000, 10_003), cap=0.9, settings={"rl.updates": 800}),
    full_tuning=rx.Tuning(axes=TRIED, seeds=range(10_000, 10_016), cap=0.9, at={DEPTH: [5]}),
    rule=rule,
    assay="Learners that predict their own stream need fewer episodes than those that predict a sham of it; they and "
    "those taught by even choices get to 0.9 in half of the worlds at least, none of them chose a rate at an end of "
    "its grid, and intervals are narrow.",
    figure=figure,
    control="The sham predicts the second looks of other streams, and belongs to the assay; all arms are one program.",
    null="yoked-itself: the partner's stream is made by the learner's own policy in other episodes.",
    # Of the version before, in a lock of one look and five steps.
    pilot=[rx.Pilot("ln T even choices − own, reward", expected=1.82, spread=0.7, above=MUCH)],
)
