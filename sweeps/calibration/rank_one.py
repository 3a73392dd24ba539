"""Is a change of rank 1 enough for reinforcement learning, and at which step size? The quickstart's cipher.

Command: regimax run sweeps/calibration/rank_one.py
Cells: 112 in 120 stages: 2 regimes × 7 step sizes × 8 worlds; pretraining runs once per world.
Time: two minutes of processor time.
Published: "LoRA fully matches the learning performance of FullFT when running policy gradient algorithms for
  reinforcement learning, even with ranks as low as 1", and "the optimal LR for LoRA is consistently 10x the one used
  for FullFT" (Schulman and Thinking Machines Lab, LoRA Without Regret, 2025, sections "Reinforcement learning" and
  "Optimal learning rates for LoRA vs. FullFT"; Llama and Qwen models, α = 32).
Expected: before the run, that at the step size that is best for each, rank 1 needs less than 1.5 times the episodes of
  full fine-tuning to 0.9 success; and its best step size is larger. It agrees on rank if the 95 % interval of ln T rank
  1 − full lies below ln 1.5, and on rates if the ratio of best step sizes is 4 to 32. It need not agree on rates: here
  α = r = 1, and the heads are trained too, at the same step size.
Seen before: C2, in a larger cipher, where rank 1 chose twice the step size of full fine-tuning and needed twice the
  episodes.
"""

import regimax as rx

r = rx.regimes
both = {
    "updates": (800, 250),
    "network": rx.networks.gru(48),
    "num_envs": 64,
    "pretrain": {"evaluate": r.Evaluate(every=400, episodes=64)},
    "evaluate": r.Evaluate(every=10, episodes=64),
}

sweep = rx.Sweep(
    world=rx.envs.Cipher(symbols=5, skills=3, length=3),
    regimes=[r.imitation_rl(**both), r.imitation_rl(finetune="rank-1", **both)],
    axes={"rl.learning_rate": [2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2, 0.128]},
    seeds=8,
    threshold=0.9,
)
