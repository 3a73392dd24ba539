"""How strong is reinforcement learning alone? Five learners from scratch, each at four step sizes, in Exemplar.

Whoever compares with "pure RL" compares with one of these, and should take the best of them.

Command: regimax run sweeps/from_scratch.py
Cells: 160 in 160 stages: 5 regimes × 4 step sizes × 8 seeds.
Time: about three minutes on two cores.
Table: python docs/tables.py runs/from_scratch
Expected: replay counts for more than anything else. Median episodes to 0.9 success at the best step size, where each is
  one reward (measured): A2C 16,240, A2C on both looks 14,160, PPO with four epochs 9,600, Q-learning with 4 updates a
  rollout 2,640, with 16 updates 1,840. In FLOPs the order is another one: 2.0, 2.9, 4.4, 1.6 and 4.4 GFLOP.
"""

import regimax as rx

r = rx.regimes
learn = rx.learners
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 32,
    "evaluate": r.Evaluate(every=5, episodes=128),
    "stop": r.Stop("success", 0.9, 3),
}
ring = 32 * 128

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=2, values=4, looks=16, dimensions=64),
    regimes=[
        r.pure_rl(600, name="A2C", **rl),
        r.pure_rl(600, name="PPO", learner=learn.actor_critic(num_epochs=4, num_minibatches=4), **rl),
        r.pure_rl(600, name="A2C-views", learner=learn.actor_critic(augment=True), record=("augmented_view",), **rl),
        r.pure_rl(600, name="Q-4", learner=learn.q_learning(4, capacity=ring), **rl),
        r.pure_rl(600, name="Q-16", learner=learn.q_learning(16, capacity=ring), **rl),
    ],
    axes={"rl.learning_rate": [0.001, 0.003, 0.01, 0.03]},
    seeds=8,
    threshold=0.9,
    question="Which learner from scratch needs the fewest rewards?",
)
