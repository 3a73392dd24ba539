"""How much must a hand-made model know to be worth more than one that is learnt? A goal behind a web of preconditions.

Command: regimax run sweeps/planner.py
Cells: 360 in 208 stages: 5 regimes × 9 hand-made models × 8 seeds; only hand_model depends on the hand-made model.
"""

import regimax as rx

r = rx.regimes
network, model = rx.networks.mlp((64,)), rx.networks.mlp((128,))
# Advantages as they are: made to unit variance, their noise would drive off those who have found nothing yet.
options = {"network": network, "num_envs": 16, "learner": rx.learners.actor_critic(normalize=False)}
inside = {"updates": 1200, "evaluate": r.Evaluate(every=100, episodes=64), **options}
rl = {"updates": 600, "evaluate": r.Evaluate(every=10, episodes=64), "stop": r.Stop("success", 0.9, 3), **options}
exploring = {"updates": 60, "network": model, "num_envs": 16, "fits": 16, "evaluate": r.Evaluate(every=20, episodes=64)}

by_hand = r.imagine(**inside)
learnt = r.imagine(world=rx.learners.imagined(model), inherit=["model", "openings"], **inside)
then = r.reinforce(inherit=["trunk", "policy", "value"], **rl)

sweep = rx.Sweep(
    world=rx.envs.Planner(factors=8, values=3, ancestors=4),
    regimes=[
        r.pure_rl(**rl),
        r.Regime("hand_model", (by_hand, then)),
        r.Regime("learned_model", (r.explore(**exploring), learnt, then)),
        r.Regime("learned_model_sham", (r.explore(sham=True, **exploring), learnt, then)),
        r.oracle(**rl),
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
    | {"explore.learning_rate": 0.003},
    seeds=8,
)
