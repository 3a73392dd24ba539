"""Does prediction still help where what goes on beside the task can be predicted too, or it alone? Exemplar.

A representation is learnt from pairs of views without actions, stays as it is, and Q-learning acts on it. One factor
counts. The others are exogenous: they go on from one view to the next as well, and no action is about them.

Command: regimax run sweeps/calibration/exogenous_noise.py
Cells: 96 in 132 stages: 2 regimes × 4 kinds of stream × 12 worlds; what a phase does not see it is not run again for.
Time: two minutes of processor time.
Published: from videos without actions forward modelling and temporal contrast learn what is needed in the presence of
  noise that is drawn anew each time; where exogenous noise is correlated in time there are problems in which any such
  representation costs exponentially more samples than one learnt from trajectories with actions (Misra et al., 2024,
  arXiv 2403.13765, abstract). No number of theirs is about a world like ours.
Expected: before the run, that with 0, 1 and 3 exogenous factors, and noise drawn anew in each number, who predicts
  first needs less than half of the rewards of who does not, as the trunk has room for all factors. Where the factor
  that counts cannot be predicted, and one exogenous factor can, who predicts first never gets to 0.9 in half of the
  worlds, though who does not does. It agrees if in the first three the 95 % interval of ln R scratch − predicted lies
  above ln 2, and in the last below 0.
Seen before: C5 and C6, for one exogenous factor; `sweeps/exemplar.py`, where a trunk that is trained further, after
  what counts could not be predicted, learns no faster and no slower.
"""

import regimax as rx

r, learn = rx.regimes, rx.learners
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 64,
    "learner": learn.q_learning(updates_per_rollout=16, capacity=64 * 64),
    "evaluate": r.Evaluate(every=2, episodes=128),
    "stop": r.Stop("success", 0.9, 3),
}
before = {
    "predictor": learn.prediction(learn.objectives.contrastive()),
    "pretrain": {"num_envs": 64, "evaluate": r.Evaluate(every=500, episodes=64)},
    "finetune": "frozen",
    **rl,
}

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=2, values=4, looks=16, dimensions=64, max_factors=4),
    regimes=[
        r.pure_rl(240, name="pure_rl", **rl),
        r.pretrain_rl((2000, 120), name="pretrain_rl", **before),
    ],
    axes={
        "stream": {
            "what counts alone": {"world.factors": 1},
            "1 exogenous factor": {},
            "3 exogenous factors": {"world.factors": 4},
            "1 exogenous factor alone": {"world.unpredictable": 1},
        }
    },
    settings={"pretrain.learning_rate": 0.002, "rl.learning_rate": 0.01},  # as C6 chose, for one exogenous factor
    seeds=12,
)
