"""Does the base model take most of the compute? Exemplar, by the share of all FLOPs that prediction gets.

All FLOPs of a learner are equal (within 3 %), a share f of them goes to prediction, and the rest to RL; f* is
the share with the highest success at the end. In Exemplar every value of a factor has M looks: the richer the world,
the more there is to find before the first answer can be right, and the more of the compute should go to prediction.

Command: regimax run sweeps/c01_compute.py --small
Cells: 432 in 816 stages, and 252 in 324 stages of tuning; with --full 36,864 cells and 1,344 of tuning.
Time: 2.6 minutes of processor time, tuning included; 1.7 by the clock, on two cores that other programs also used.
Supported if: with the most looks f* is above a half; with one look it is 0, and so it is for a sham with the most.
Refuted if: prediction is not worth half of the FLOPs in the richest world, or a share that brings nothing seems best.
Second version of the rule: it asks for an assay, and is invalid where control or null fails. Being run again.
Measured: inconclusive by the second rule, as prediction did no more than its sham, and the rates lie at an end of their
  grids; refuted by the first. With 64 looks f* is 0 (0 to 0; 16 worlds): success falls from 0.54 without prediction to
  0.53, 0.49, 0.46 and 0.39 at shares from 1/4 to 0.9, and is as low with a sham but for the last (0.37). So at most
  53,760 pairs of the stream told next to nothing about 64 looks of each value, and reinforcement lost its share for it;
  C5 pretrains on 512,000 pairs, for 16. With 8 looks almost all have 0.97 or more, and no share is worth its price. A
  larger budget, or looks between 8 and 64, might come out otherwise. With 64 looks all chose the smallest rates of the
  grid.
"""

import plotly.graph_objects as go
import polars as pl

import regimax as rx
from regimax.report import statistics as st
from regimax.report.figures import styles

r = rx.regimes
LOOKS = "world.looks"
SPLIT = ("pretrain.updates", "rl.updates")
SHARES = (0.25, 0.5, 0.75, 0.9)
PRICE = 0.1  # success that the whole share would have to bring, lest chance among equals choose it


def _sweeps(looks, updates, predictions, every, num_envs, dimensions, factors, seeds):
    """Sweeps without and with prediction.

    Args:
      updates: of reinforcement, where it has all FLOPs.
      predictions: of prediction, where it has all FLOPs.
      every: updates between evaluations; all budgets are rounded to multiples of it.
    """
    network = rx.networks.mlp((128, 32))
    evaluate = r.Evaluate(every=every, episodes=512)
    options = {"network": network, "num_envs": num_envs, "evaluate": evaluate}
    split = {"updates": (every, updates), "pretrain": {"num_envs": 2 * num_envs}, **options}
    shared = {
        "world": rx.envs.Exemplar(factors=factors, values=4, looks=max(looks), dimensions=dimensions),
        "seeds": seeds,
    }
    budgets = [
        (every * round(share * predictions / every), every * round((1 - share) * updates / every)) for share in SHARES
    ]
    return {
        "scratch": rx.Sweep(regimes=[r.pure_rl(updates, **options)], axes={LOOKS: looks}, **shared),
        "split": rx.Sweep(
            regimes=[r.pretrain_rl(**split), r.sham_rl(**split)],
            axes={LOOKS: looks, SPLIT: budgets},
            **shared,
        ),
    }


def outcomes(runs, arm, looks):
    """Returns success at the end of every learner with a share of all FLOPs; without any it is scratch."""
    where = {LOOKS: looks}
    both = [st.scores(runs["scratch"].cells, "pure_rl", where=where), st.scores(runs["split"].cells, arm, where=where)]
    share = (pl.col("flops_without_env_steps") / pl.col("flops")).round(2)
    return pl.concat(both, how="diagonal_relaxed").with_columns(share=share)


def assay(runs):
    """With the most looks: prediction does more than its sham, scratch is not at its best, and rates were tuned."""
    run, most = runs["split"], runs["split"].cells[LOOKS].max()
    half = (pl.col("flops_without_env_steps") / pl.col("flops")).is_between(0.4, 0.6) & (pl.col(LOOKS) == most)
    ends = [st.scores(run.cells, arm, where=half) for arm in ("pretrain_rl", "sham_rl")]
    scratch = st.median_score(st.scores(runs["scratch"].cells, "pure_rl", where={LOOKS: most}))
    return [
        st.above("success after prediction − after the sham, at half", st.difference(*ends), PRICE / 4),
        st.room("1 − success from scratch", scratch.through(lambda x: 1 - x, "success"), PRICE),
        st.inside_grid([t for run in runs.values() for t in run.tried], ("pure_rl", "pretrain_rl")),
    ]


def rule(runs):
    """With f the share of all FLOPs for prediction, f* is the one with the highest mean of success − 0.1 f.

    1. with the most looks, f* after prediction exceeds a half;
    2. control: there, f* after a sham is below 0.2, so that it is 0;
    3. null: with one look of each value, f* after prediction is below 0.2, so that it is 0.

    Assay: with the most looks, at half of the FLOPs prediction ends above its sham by more than 0.025; scratch
    leaves more than 0.1 to gain; scratch and prediction chose no rate at an end of their grids.

    Supported if all of them hold with their whole interval (95 %, bootstrap over worlds); invalid if control or
    null fails with it; refuted if one of the claim's fails with its own share of the 5 %, and the assay holds; else
    inconclusive.
    """
    looks = runs["split"].cells[LOOKS]

    def best(arm, looks):
        frame = outcomes(runs, arm, looks).with_columns(reached=pl.col("reached") - PRICE * pl.col("share"))
        return st.best_setting(frame, pl.col("share"))

    return st.decide(
        [st.above("f*", best("pretrain_rl", looks.max()), 0.5)],
        assay=assay(runs),
        control=[st.below("f* of the sham", best("sham_rl", looks.max()), 0.2)],
        null=[st.below("f* with one look", best("pretrain_rl", looks.min()), 0.2)],
        cells=pl.concat([run.cells for run in runs.values()], how="diagonal_relaxed"),
    )


def figure(runs):
    """Draws success at the end against the share of FLOPs that went to prediction, for each number of looks."""
    drawn = go.Figure()
    arms, looks = ("pretrain_rl", "sham_rl"), sorted(runs["split"].cells[LOOKS].unique())
    names = [f"{arm}, {m} look{'s' if m > 1 else ''}" for m in looks for arm in arms]
    look = styles(names)
    for name, (m, arm) in zip(names, [(m, arm) for m in looks for arm in arms], strict=True):
        mean = outcomes(runs, arm, m).group_by("share").agg(pl.col("reached").mean()).sort("share")
        drawn.add_scatter(
            x=mean["share"].to_list(),
            y=mean["reached"].to_list(),
            name=name,
            mode="lines+markers",
            line={"color": look[name].light, "dash": look[name].dash or "solid", "width": 2},
            hovertemplate=f"<b>{name}</b><br>f = %{{x}}<br>success %{{y:.3f}}<extra></extra>",
        )
    return drawn.update_layout(
        title_text="Success at the end, at equal FLOPs, by the share that prediction gets",
        xaxis={"title": {"text": "share of FLOPs for prediction, f"}},
        yaxis={"title": {"text": "success, mean over worlds"}, "range": [0, 1.02]},
        hovermode="closest",
    )


def _tunings(split, worlds):
    """Every arm on the same grid; learners with prediction at the split in the middle."""
    rates = {"rl.learning_rate": (3e-3, 1e-2, 3e-2)}
    how = {"seeds": range(10_000, 10_000 + worlds), "per": (LOOKS,), "summary": "final"}
    both = rates | {"pretrain.learning_rate": (5e-4, 2e-3, 8e-3)}
    return {
        "scratch": rx.Tuning(axes=rates, **how),
        "split": rx.Tuning(axes=both, at={SPLIT[0]: [split]}, **how),
    }


SMALL = {"looks": [1, 8, 64], "updates": 1200, "predictions": 940, "every": 60, "num_envs": 32}
FULL = {"looks": [1, 8, 64, 512], "updates": 24_000, "predictions": 18_700, "every": 600, "num_envs": 32}
claim = rx.Claim(
    id="C1",
    question="Does the base model take most of the compute where the world is rich?",
    small=_sweeps(**SMALL, dimensions=64, factors=2, seeds=16),
    full=_sweeps(**FULL, dimensions=64, factors=4, seeds=1024),
    tuning=_tunings(480, worlds=4),
    full_tuning=_tunings(9600, worlds=16),
    rule=rule,
    assay="With the most looks, at half of the FLOPs prediction ends above its sham by more than 0.025; scratch leaves "
    "more than 0.1 to gain; scratch and prediction chose no rate at an end of their grids.",
    figure=figure,
    control="sham_rl: the same FLOPs on the targets of other pairs must be spent in vain.",
    null="M = 1: with one look of each value there is no concept to find, and all FLOPs belong to reinforcement.",
)
