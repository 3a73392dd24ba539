"""What belongs to one phase overrides what phases share, and a name overrides the automatic one."""

import pytest

import regimax as rx

r = rx.regimes
SMALL, BIG = rx.networks.mlp((4,)), rx.networks.mlp((8,))
OFTEN, RARELY, STOP = r.Evaluate(2, 8), r.Evaluate(4, 16), r.Stop("success", 0.9, 3)


def told(regime, *fields):
    return [tuple(getattr(phase, field) for field in fields) for phase in regime.phases]


def bound(phase, world=rx.envs.Exemplar(factors=1, values=3, looks=2, dimensions=5)):
    return r.bind(phase, world).learner.source


@pytest.mark.parametrize("make", [r.pretrain_rl, r.imitation_rl, r.sham_rl, r.reward_model, r.reward_model_sham])
def test_of_pretraining(make):
    shared = make((4, 6), network=SMALL, evaluate=OFTEN, num_envs=2, stop=STOP)
    assert told(shared, "name", "updates", "evaluate", "stop") == [
        ("pretrain", 4, OFTEN, None),
        ("rl", 6, OFTEN, STOP),
    ]
    first = {"updates": 8, "num_envs": 3, "evaluate": RARELY, "stop": r.Stop("loss")}
    apart = make((4, 6), network=SMALL, evaluate=OFTEN, num_envs=2, pretrain=first, rl={"stop": STOP, "num_steps": 4})
    assert told(apart, "updates", "evaluate", "stop") == [(8, RARELY, r.Stop("loss")), (6, OFTEN, STOP)]
    assert apart.phases[0].settings == shared.phases[0].settings
    assert apart.phases[1].settings == shared.phases[1].settings
    assert [bound(phase).num_envs for phase in apart.phases] == [3, 2]
    assert [make(rl={"updates": 50}).phases[i].updates for i in range(2)] == [1000, 50]


def test_streams_and_predictors():
    random, contrastive = rx.sources.random_behaviour(), rx.learners.prediction(rx.learners.objectives.contrastive())
    one = r.pretrain_rl(stream=random, predictor=contrastive)
    other = r.pretrain_rl(pretrain={"source": random, "learner": contrastive})
    assert told(one, "source", "learner")[0] == told(other, "source", "learner")[0] == (random, contrastive)
    assert one.phases[1].learner is not contrastive


def test_of_models():
    plain, how = rx.learners.actor_critic(normalize=False), {"network": SMALL, "evaluate": OFTEN, "num_envs": 2}
    regime = r.hand_model((4, 6), model={"evaluate": RARELY}, rl={"stop": STOP, "learner": plain}, **how)
    assert told(regime, "name", "updates", "evaluate", "stop") == [("model", 4, RARELY, None), ("rl", 6, OFTEN, STOP)]
    assert regime.phases[1].inherit == ("trunk", "policy", "value")
    assert regime.phases[1].learner is plain
    assert r.hand_model(rl={"inherit": ["trunk"]}).phases[1].inherit == ("trunk",)
    for make in (r.learned_model, r.learned_model_sham):
        regime = make(
            (2, 4, 6),
            model_learning={"network": BIG, "num_envs": 3, "updates_per_rollout": 2},
            model={"updates": 8},
            stop=STOP,
            **how,
        )
        assert told(regime, "name", "updates", "network", "stop") == [
            ("model_learning", 2, BIG, None),
            ("model", 8, SMALL, None),
            ("rl", 6, SMALL, STOP),
        ]
        assert regime.phases[1].inherit == ("model", "initial_observations")
        assert regime.phases[1].world(rx.envs.Planner()).network is BIG
        assert bound(regime.phases[0], rx.envs.Planner(3, 2, 2)).num_envs == 3
        few = make(model_learning={"initial_observations": 8})
        assert few.phases[1].world(rx.envs.Planner()).initial_observations == 8


@pytest.mark.parametrize("make", [r.in_context, r.continual, r.continual_in_context])
def test_of_lives(make):
    meta = {"evaluate": RARELY, "learning_rate": 0.5, "stop": r.Stop("loss")}
    regime = make((4, 6), evaluate=OFTEN, stop=STOP, meta=meta, life={"updates": 8})
    assert told(regime, "name", "updates", "evaluate", "stop") == [
        ("meta", 4, RARELY, r.Stop("loss")),
        ("life", 8, OFTEN, STOP),
    ]
    assert regime.phases[0].settings == {"learning_rate": 0.5, "decay_updates": 4}
    assert make(meta={"updates": 50}).phases[0].settings["decay_updates"] == 50
    assert make(life={"irrelevant": True}).name == f"{make.__name__}-irrelevant"


TWO = [
    r.pretrain_rl, r.imitation_rl, r.sham_rl, r.reward_model, r.reward_model_sham, r.hand_model, r.learned_model,
    r.learned_model_sham,
]  # fmt: skip
ONE = [r.pure_rl, r.oracle, r.always_on, r.always_on_sham, r.yoked]


@pytest.mark.parametrize("make", [*ONE, *TWO, r.in_context, r.continual, r.continual_in_context])
def test_a_name_overrides_the_automatic_one(make):
    assert make().name == make.__name__
    assert make(name="mine").name == "mine"
    if make in TWO:
        assert make(rl={"finetune": "frozen"}).name == make(finetune="frozen").name == f"{make.__name__}-frozen"
        assert make(finetune="frozen", rl={"finetune": "full"}).name == make.__name__
        assert make(finetune="frozen", name="mine").name == "mine"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: r.pretrain_rl(500), "pretrain_rl: updates = 500 does not hold a budget each for pretrain, rl"),
        (
            lambda: r.learned_model((5, 5)),
            r"updates = \(5, 5\) does not hold a budget each for model_learning, model, rl",
        ),
        (
            lambda: r.continual_in_context((5,), 0.5),
            "continual_in_context-0.5: updates = .* does not hold a budget each for meta, life",
        ),
    ],
)
def test_budgets_are_as_many_as_phases(make, message):
    with pytest.raises(rx.UserError, match=message):
        make()
