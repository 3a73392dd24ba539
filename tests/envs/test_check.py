"""A world that does not keep its promises is told by the member that breaks them, before anything runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import regimax as rx
from regimax.envs import check_world
from regimax.types import Field, Setting, Trajectory


class Coin:
    """A world of two actions."""

    name, spec, truncates = "Coin", ("Coin",), False
    fields, num_actions, horizon, reward_range = (Field("face", 2), Field("clock", 1)), 2, 3, (0.0, 1.0)
    settings = (Setting("world.bias", 0.5, 0, 1, ""), Setting("world.sides", 2, 1, 2, "", integer=True))
    task_reads = ("world.bias",)

    def init(self, key, settings):
        return {"bias": settings["world.bias"]}

    def reset(self, key, params, previous=None):
        return jnp.zeros(3), {"t": jnp.zeros((), jnp.int32)}

    def step(self, key, state, action, params):
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        return jnp.zeros(3), {"t": state["t"] + 1}, zero, no, no, {"outcome": zero, "success": zero}

    def concepts(self, state, params):
        return jnp.zeros((1,), jnp.int32)

    def legal(self, params):
        return jnp.ones(2, bool)

    def unpadded(self, settings):
        return self

    def describe(self, settings):
        return dict.fromkeys(rx.envs.check.DESCRIBED, np.float64(1.0))


class Streaming(Coin):
    """The same with a stream."""

    stream_reads, stream_fields, stream_steps, stream_acts = ("world.bias",), ("face",), 4, False

    def stream_init(self, key, settings):
        return {"bias": settings["world.bias"]}

    def transcript(self, key, params):
        t, obs = jnp.zeros(4), jnp.zeros((4, 3))
        shown = dict.fromkeys(Trajectory._fields, t) | {"obs_tm1": obs, "obs_t": obs, "a_tm1": t.astype(jnp.int32)}
        return Trajectory(**(shown | {"carry": (), "extras": {}}))


def stepping(**changes):
    """A step of which something is changed."""

    def step(self, key, state, action, params):
        names = ("obs", "state", "r", "term", "trunc", "info")
        parts = dict(zip(names, Coin.step(self, key, state, action, params), strict=True))
        return tuple((parts | changes).values())

    return step


def test_worlds_that_keep_their_promises_pass():
    check_world(Coin())
    check_world(Streaming())


def without(cls, *names):
    """A world that lacks members, as if they had not been written."""
    kept = {}
    for base in reversed(cls.__mro__[:-1]):
        kept |= {k: v for k, v in vars(base).items() if k not in names and not k.startswith("__")}
    return type("Coin", (), kept)


zero = jnp.zeros(())
BROKEN = {
    "nothing at all": (1, "world = 1 is not a world"),
    "a class": (Coin, r"is a class: make a world of it, Coin\(…\)"),
    "a member": (without(Coin, "legal", "describe")(), "lacks legal, describe, see regimax.envs.Environment"),
    "a misspelt member": (
        type("C", (without(Coin, "horizon"),), {"horizont": 3})(), r"lacks horizon \(it has 'horizont'\)"),
    "a member of its stream": (without(Streaming, "stream_acts")(), "has 'transcript' but lacks stream_acts"),
    "a field's size": (type("C", (Coin,), {"fields": (Field("face", 0),)})(), "size of the field 'face' = 0"),
    "two fields of one name": (
        type("C", (Coin,), {"fields": (Field("face", 1), Field("face", 2))})(), "fields need different names"),
    "a field that is none": (type("C", (Coin,), {"fields": ("face",)})(), "fields holds 'face'"),
    "actions": (type("C", (Coin,), {"num_actions": 2.5})(), "num_actions = 2.5 is not a whole number above 0"),
    "horizon": (type("C", (Coin,), {"horizon": 0})(), "horizon = 0"),
    "rewards": (type("C", (Coin,), {"reward_range": (1.0, float("nan"))})(), "is not a smaller and a larger number"),
    "a setting's name": (type("C", (Coin,), {"settings": (Setting("bias", 0, 0, 1, ""),)})(), "give Setting"),
    "a setting's default": (
        type("C", (Coin,), {"settings": (Setting("world.bias", 2, 0, 1, ""),)})(), "world.bias = 2 is out of range"),
    "a name that it reads": (
        type("C", (Coin,), {"task_reads": ("world.bia",)})(), "in task_reads of .* 'world.bia'. Did you mean"),
    "what it says of itself": (
        type("C", (Coin,), {"describe": lambda self, s: {"concepts": 1}})(), "describe does not return optimal_return"),
    "what it says, in words": (
        type("C", (Coin,), {"describe": lambda self, s: dict.fromkeys(rx.envs.check.DESCRIBED, "two")})(),
        "describe returns concepts = 'two', which is not a number"),
    "a read that is not declared": (
        type("C", (Coin,), {"init": lambda self, k, s: s["world.sides"]})(),
        "init reads 'world.sides', which is not there: it is not in task_reads"),
    "obs of reset": (
        type("C", (Coin,), {"reset": lambda self, k, p, previous=None: (jnp.zeros(2), ())})(),
        r"reset: obs is float32\[2\], the sizes of its fields add up to 3"),
    "reset without a state": (
        type("C", (Coin,), {"reset": lambda self, k, p, previous=None: jnp.zeros(3)})(),
        "reset returns one value, 2 are needed: obs, state"),
    "obs of step": (type("C", (Coin,), {"step": stepping(obs=jnp.zeros((3, 1)))})(), "step: obs is float32"),
    "a part of step": (
        type("C", (Coin,), {"step": lambda self, *a: Coin.step(self, *a)[:5]})(), "step returns 5 values, 6 are"),
    "reward": (type("C", (Coin,), {"step": stepping(r=jnp.zeros(2))})(), r"step: reward is float32\[2\]"),
    "the kind of a state": (
        type("C", (Coin,), {"step": stepping(state={"t": zero})})(),
        r"\['t'\] is int32\[\] after reset and float32\[\] after step: they must agree"),
    "the structure of a state": (
        type("C", (Coin,), {"step": stepping(state={"t": zero, "u": zero})})(), r"\['u'\] is in one of them only"),
    "success": (type("C", (Coin,), {"step": stepping(info={"outcome": zero})})(), "info of step has no 'success'"),
    "a augmented view": (type("C", (Coin,), {"augmented_views": True})(), "info of step has no 'augmented_view'"),
    "legal": (type("C", (Coin,), {"legal": lambda self, p: jnp.ones(3, bool)})(), r"legal is bool\[3\]"),
    "concepts": (type("C", (Coin,), {"concepts": lambda self, s, p: jnp.zeros(1)})(), "concepts returns float32"),
    "what is kept back": (
        type("C", (Coin,), {"unseen": lambda self, p: {"bias": p["bias"][None]}})(),
        r"\['bias'\] is float32\[\] after init and float32\[1\] after unseen: they must agree"),
    "a mistake of its own": (
        type("C", (Coin,), {"legal": lambda self, p: jnp.ones(2) @ jnp.ones(3)})(), "legal cannot be traced: Type"),
    "a transcript": (type("C", (Streaming,), {"stream_steps": 5})(), "transcript: obs_tm1 is float32"),
    "a field of its stream": (
        type("C", (Streaming,), {"stream_fields": ("fac",)})(), "'fac'. Did you mean 'face'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told(name):
    world, message = BROKEN[name]
    with pytest.raises(rx.UserError, match=message):
        check_world(world)


def test_a_regime_is_not_bound_to_a_broken_world():
    with pytest.raises(rx.UserError, match="lacks unpadded"):
        rx.make_train(rx.regimes.pure_rl(50), without(Coin, "unpadded")())


@pytest.mark.parametrize("make", [rx.regimes.imitation_rl, rx.regimes.pretrain_rl])
def test_a_regime_that_needs_a_stream_says_what_the_world_lacks(make):
    with pytest.raises(rx.UserError, match="no reward-free stream of transcripts: it lacks stream_reads, stream_f"):
        rx.make_train(make(updates=(50, 50)), Coin())


def test_nobody_is_imitated_who_does_not_act():
    random = rx.sources.random_behaviour()
    with pytest.raises(rx.UserError, match=r"nobody acts in the stream of Coin \(it has no stream_acts\): no policy"):
        rx.make_train(rx.regimes.imitation_rl(updates=(50, 50), stream=random), Coin())
    with pytest.raises(rx.UserError, match="nobody acts in the stream of Cipher: no policy to inherit"):
        rx.make_train(rx.regimes.imitation_rl(updates=(50, 50), stream=random), rx.envs.Cipher())


@pytest.mark.parametrize("scalar", [np.int64, np.float32, jnp.int32, np.asarray])
def test_scalars_of_other_libraries_are_sizes(scalar):
    if scalar is np.float32:
        assert rx.envs.Exemplar(noise=scalar(0.5)) == rx.envs.Exemplar(noise=0.5)
        return
    world = rx.envs.Cipher(symbols=scalar(3), skills=scalar(2), length=scalar(2), max_skills=scalar(3))
    assert world == rx.envs.Cipher(symbols=3, skills=2, length=2, max_skills=3)
    assert type(world.max_skills) is int
    for make in (rx.networks.gru, rx.networks.low_rank, rx.sources.own_behaviour, rx.sources.transcripts):
        args = (rx.networks.mlp(),) if make is rx.networks.low_rank else ()
        make(*args, scalar(4))
    network = rx.networks.mlp((scalar(4), scalar(3)))(2, {"policy": 2})
    jax.eval_shape(network.init, jax.random.key(0))
