"""How do the episodes until a treasure is first found grow with the depth of the sea? bsuite's, without curiosity.

Command: regimax run sweeps/calibration/deepsea_slope.py
Cells: 64 in 64 stages: 4 depths × 16 seeds.
Time: a minute of processor time, half of it compiling: every depth is a program.
Published: 2^N episodes is the line below which bsuite counts a learner as exploring, `_make_baseline` and `score` in
  its analysis of deep_sea. Whoever chooses evenly goes right N times in a row once in 2^N episodes.
Expected: before the run, that ln T, T the episodes until the treasure is first found, grows with the depth by ln 2 =
  0.69, as a policy stays even until it has found something. It agrees if the slope's 95 % interval holds 0.69 and lies
  between 0.5 and 0.9. A steeper one would say that the price of moving right drives a learner off before it has found
  anything.
"""

import regimax as rx

r = rx.regimes


def arm(size: int) -> r.Regime:
    """A learner in a sea of its own size, which is static in gymnax: every size is a program."""
    sea = rx.envs.gymnax.make("DeepSea-bsuite", size=size)
    regime = r.pure_rl(
        updates=1500,
        network=rx.networks.mlp((32,)),
        num_envs=16,
        learner=rx.learners.actor_critic(normalize=False),
        channels=[],
        evaluate=r.Evaluate(every=2, episodes=16),
        stop=r.Stop("success", 0.9, 1),
    )
    return r.Regime(f"{size}", (regime.phases[0]._replace(world=lambda _: sea),))


sweep = rx.Sweep(
    world=rx.envs.gymnax.make("DeepSea-bsuite"),
    regimes=[arm(size) for size in (6, 8, 10, 12)],
    settings={"rl.learning_rate": 0.01},
    seeds=16,
)
