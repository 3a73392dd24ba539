"""A sweep file that is soon run: pretraining beside none, two settings."""


def small_sweep(asks: str, before: int, updates: int, seeds: int) -> str:
    """Returns its text.

    Args:
      asks: its question.
      before: updates of pretraining.
      updates: of reinforcement learning.
      seeds: how many.
    """
    return f'''"""{asks}"""
import regimax as rx

rl = {{"network": rx.networks.gru(8), "num_envs": 8, "evaluate": rx.regimes.Evaluate(every=2, episodes=16)}}
sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=3, skills=2, length=2),
    regimes=[rx.regimes.pure_rl(updates={updates}, **rl), rx.regimes.pretrain_rl(updates=({before}, {updates}), **rl)],
    axes={{"reward.erasure": [0.0, 0.5]}},
    seeds={seeds},
)
'''
