"""How much must a hand-made model know to be worth more than one that is learnt? A goal behind a web of preconditions.

Command: regimax run sweeps/planner.py
Cells: 360 in 208 stages: 5 regimes × 9 hand-made models × 8 seeds; only hand_model depends on the hand-made model.
Time: a few minutes on two cores, most of it compiling.
Table: python docs/tables.py runs/planner
Expected: steps in a model are free, those of random behaviour that a model is learnt from are not. Measured on eight
  worlds, environment steps to 0.9 success, medians: 44,800 from scratch, and by the oracle, which here sees what all
  see; 15,360 with the model that is learnt, all of them its exploration in six worlds of eight. With a hand-made
  model that knows κ = 0, 2/8, 4/8, 5/8, 6/8, 7/8 and all of the factors: 34,560, 37,120, 30,720, 29,440, 28,160,
  16,640 and 0. They meet at 7/8: there the hand-made model needs fewer in three worlds and more in three; with all
  known in eight, with 6/8 in two, below in one at most. Carried over at once, it reaches 0.9 in 0, 0, 0, 0, 0, 2 and
  8 worlds, where a plan works out with probability 0, 0, 0.01, 0.07, 0.21, 0.5 and 1. Half of the factors, but all
  that matter: 0 steps, in eight worlds. All factors and wrong dynamics: no success at once, and four worlds solved in
  153,600 steps. After the sham of the learnt model 47,360. That a model which knows nothing, and so never pays, saves
  steps is no knowledge: what comes out of it has learnt to expect no reward and to act evenly. In FLOPs the order is
  another one: 0.8 billion from scratch, 5 with a hand-made model and 22 with the learnt one. The budgets of
  `learn_model` and `model` were chosen on these worlds, of two and three: in an earlier run with half of the updates
  in the model it was the same median, with a quarter 35,840.
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.mlp((64,)),
    "num_envs": 16,
    # Advantages as they are: made to unit variance, their noise would drive off those who have found nothing yet.
    "learner": rx.learners.actor_critic(normalize=False),
    "evaluate": r.Evaluate(every=10, episodes=64),
    "stop": r.Stop("success", 0.9, 3),
}
by_hand = {"model": {"evaluate": r.Evaluate(every=100, episodes=64)}, **rl}
exploring = {
    "network": rx.networks.mlp((128,)),
    "updates_per_rollout": 16,
    "evaluate": r.Evaluate(every=20, episodes=64),
}
learnt = {"model_learning": exploring, **by_hand}

sweep = rx.Sweep(
    world=rx.envs.Planner(factors=8, values=3, ancestors=4),
    regimes=[
        r.pure_rl(600, **rl),
        r.hand_model((1200, 600), **by_hand),
        r.learned_model((60, 1200, 600), **learnt),
        r.learned_model_sham((60, 1200, 600), **learnt),
        r.oracle(600, **rl),
    ],
    axes={
        "by hand": {f"κ = {known}/8": {"world.known": known / 8} for known in (0, 2, 4, 5, 6, 7, 8)}
        | {
            "κ = 4/8, all that matters": {"world.known": 4 / 8, "world.known_ancestors": 1},
            "κ = 8/8, wrong dynamics": {"world.mistaken": 1},
        }
    },
    settings={
        f"{phase}.{name}": value
        for phase in ("model", "rl")
        for name, value in {"learning_rate": 0.003, "entropy_coef": 0.02, "discount": 0.95}.items()
    }
    | {"model_learning.learning_rate": 0.003},
    seeds=8,
)
