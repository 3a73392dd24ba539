"""After how many tasks has one base model paid for itself? Exemplar, ten tasks over the same concepts.

Every task draws the factor that counts and its answers anew. What is predicted beforehand does not depend on them, so
that the tasks of a world share it: it is run once, and `statistics.tasks_to_break_even` adds up what each saves.

Command: regimax run sweeps/tasks.py
Cells: 160 in 168 stages: 2 regimes × 10 tasks × 8 seeds; pretraining runs once per world.
Time: about two minutes on two cores.
Table: python docs/tables.py runs/tasks
Expected: added up, a base model has paid for itself after 5.4 tasks (95 %: 4.5 to 6.8; measured); the formula, which
  divides its cost by what a single task saves, says 4.3 to 6.7 by the task, and has intervals twice as wide.
"""

import regimax as rx

r = rx.regimes
rl = {
    "network": rx.networks.mlp((128, 32)),
    "num_envs": 32,
    "evaluate": r.Evaluate(every=4, episodes=128),
    "stop": r.Stop("success", 0.9, 3),
}
before = {
    "predictor": rx.learners.prediction(rx.learners.objectives.contrastive()),
    "pretrain": {"num_envs": 128, "evaluate": r.Evaluate(every=125, episodes=128)},
    "finetune": "frozen",
    **rl,
}

sweep = rx.Sweep(
    world=rx.envs.Exemplar(factors=2, values=4, looks=16, dimensions=64),
    regimes=[r.pure_rl(1600, **rl), r.pretrain_rl((500, 800), name="pretrain_rl", **before)],
    axes={"world.task": range(10)},
    settings={"rl.learning_rate": 0.03},
    choices=[rx.Choice("pure_rl", {"rl.learning_rate": 0.01})],
    seeds=8,
    threshold=0.9,
)
