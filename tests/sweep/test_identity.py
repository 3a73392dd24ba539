"""A stage is told by what it computes: every edit that could change a result changes it, and nothing else does."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.extend import core

import regimax as rx
from regimax.sweep import files
from regimax.sweep.cost import Costs
from regimax.sweep.fingerprint import fingerprint
from regimax.sweep.identity import identity
from regimax.sweep.lanes import Engine
from regimax.sweep.plan import make_plan

from . import parts
from .conftest import make_tiny, options


def planned(text=parts.FILE, helper=parts.HELPER, folder="."):
    """The plan of a file that has a module beside it."""
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / "own.py").write_text(text)
    (Path(folder) / "beside.py").write_text(helper)
    return make_plan(files.load(Path(folder) / "own.py"))


def edited(edits, name):
    before, after = edits[name]
    assert parts.FILE.count(before) >= 1, before
    return parts.FILE.replace(before, after)


@pytest.fixture(scope="module")
def unedited(tmp_path_factory):
    return planned(folder=tmp_path_factory.mktemp("unedited"))


@pytest.mark.parametrize("name", parts.EDITS)
def test_an_edit_of_a_part_makes_other_stages(name, unedited):
    plan = planned(edited(parts.EDITS, name))
    assert set(plan.stages) != set(unedited.stages)
    assert plan.resolved != unedited.resolved  # so that a run of the old code is not taken for one of the new


@pytest.mark.parametrize("name", parts.CHATTER)
def test_what_computes_nothing_leaves_the_stages(name, unedited):
    plan = planned(edited(parts.CHATTER, name))
    if name in ("seeds", "an axis"):
        assert set(unedited.stages) < set(plan.stages)
    else:
        assert set(plan.stages) == set(unedited.stages)
        assert plan.resolved == unedited.resolved


def test_an_edit_of_a_module_that_the_file_imports_makes_other_stages(unedited):
    assert set(planned(helper="factor = 2.5\n").stages).isdisjoint(unedited.stages)
    same = planned(helper="# one and a half\nfactor = 3 / 2\n")
    assert set(same.stages) == set(unedited.stages)


def test_probes_leave_the_stages_and_are_told_all_the_same(unedited):
    plan = planned(parts.FILE.replace("jnp.zeros(()) + 7.0", "jnp.zeros(()) + 8.0"))
    assert set(plan.stages) == set(unedited.stages)
    assert plan.resolved != unedited.resolved


def test_another_process_with_another_order_of_sets_gives_the_same(unedited):
    Path("own.py").write_text(parts.FILE)
    Path("beside.py").write_text(parts.HELPER)
    code = (
        "from pathlib import Path\nfrom regimax.sweep import files\nfrom regimax.sweep.plan import make_plan\n"
        "print(*make_plan(files.load(Path('own.py'))).stages)"
    )
    environment = {**__import__("os").environ, "PYTHONHASHSEED": "77"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split() == list(unedited.stages)


def one_program(**more):
    plan = make_plan(make_tiny(regimes=[rx.regimes.pure_rl(updates=4, **options(**more))], axes={}, seeds=1))
    return next(iter(plan.programs))


def test_equal_computations_are_one_program_whoever_wrote_them():
    def my_network(num_inputs, heads):
        inner = rx.networks.gru(8)(num_inputs, heads)
        return inner._replace(apply=lambda *args: inner.apply(*args), spec=("mine",))

    assert one_program() == one_program(network=my_network)


def test_two_regimes_that_cost_differently_what_they_compute_alike_are_refused():
    class Dearer(rx.envs.Cipher):
        def describe(self, settings):
            return {**super().describe(settings), "action_bits": 99.0}

    plain = rx.regimes.pure_rl(updates=4, **options())
    dearer = plain._replace(
        name="dearer", phases=(plain.phases[0]._replace(world=lambda world: Dearer(symbols=3, skills=2, length=2)),)
    )
    with pytest.raises(rx.UserError, match="the phase 'rl' computes the same in the regimes 'pure_rl' and 'dearer'"):
        make_plan(make_tiny(regimes=[plain, dearer], axes={}, seeds=1))


def test_identities_of_a_run_can_be_adopted():
    sweep = make_tiny(axes={}, seeds=1)
    plan = make_plan(sweep)
    told = {name: [phase["program"] for phase in phases] for name, phases in plan.resolved["regimes"].items()}
    assert make_plan(sweep, told).stages == plan.stages
    others = make_plan(sweep, told | {"pure_rl": ["another"]})
    assert set(others.stages) != set(plan.stages)
    assert others.resolved["regimes"]["pure_rl"][0]["program"] == "another"


def test_what_tells_a_program_is_what_is_compiled():
    """From the plan to what the compiler is given, with what counts FLOPs between, no part is traced twice."""
    asked = Counter()

    def counted(name, function):
        def counting(*args):
            asked[name] += 1
            return function(*args)

        return counting

    def learner(*args):
        inner = rx.learners.actor_critic()(*args)
        return inner._replace(**{name: counted(name, getattr(inner, name)) for name in ("init", "update", "evaluate")})

    regime = rx.regimes.pure_rl(4, learner=learner, stop=rx.regimes.Stop(), **options())
    plan = make_plan(make_tiny(regimes=[regime], axes={}))
    for stage in plan.stages.values():
        Costs(plan)(stage)
    engine = Engine(next(iter(plan.programs.values())), block=8)
    updates = jax.ShapeDtypeStruct((), jnp.int32)
    jax.eval_shape(engine._advance, engine.shapes(), updates)
    jax.eval_shape(engine._init, *engine._of_init())
    assert asked["update"] == 1
    assert asked["evaluate"] <= 2  # the check of the stop rule asks what it is called
    assert asked["init"] <= 2


def of(function, *args):
    return identity([(function, args)])


X = jax.ShapeDtypeStruct((3,), jnp.float32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x + jnp.arange(3.0), lambda x: x + jnp.arange(3.0)[::-1]),
        (lambda x: {"a": x}, lambda x: {"b": x}),
        (lambda x: x * 1.0, lambda x: x * (1.0 + 2**-20)),
        (lambda x: jnp.where(jnp.all(x > 0), x, -x), lambda x: jnp.where(jnp.any(x > 0), x, -x)),
        (lambda x: jax.lax.scan(lambda c, _: (c * 2, None), x, length=3), lambda x: jax.lax.scan(
            lambda c, _: (c * 2, None), x, length=4)),
        (lambda x: jax.random.uniform(jax.random.key(1)) + x, lambda x: jax.random.uniform(jax.random.key(2)) + x),
        (lambda x: jax.pure_callback(lambda y: y + 1, X, x), lambda x: jax.pure_callback(lambda y: y + 2, X, x)),
        (lambda x: x[:2], lambda x: x[1:]),
    ],
)  # fmt: skip
def test_traces_that_differ_are_told_apart(one, other):
    assert of(one, X) != of(other, X)
    assert of(one, X) == of(one, X)


def test_names_and_derivatives_that_are_over_do_not_count():
    @jax.jit
    def first(x):
        return jax.nn.relu(x) * 2

    @jax.jit
    def second(y):  # the same, called otherwise
        return jax.nn.relu(y) * 2

    assert of(lambda x: first(x), X) == of(lambda x: second(x), X)


def holding_itself():
    """A trace that calls a function of the host which closes over that trace."""
    held = {}

    def host(x):
        return x + len(held)

    held["trace"] = jax.make_jaxpr(lambda x: jax.pure_callback(host, X, x))(X)
    return held["trace"]


def test_what_holds_itself_is_told_the_same_whatever_was_looked_at_before():
    one, other = holding_itself(), holding_itself()
    around = jax.make_jaxpr(lambda x: core.jaxpr_as_fun(one)(x) * 2)(X)
    same = jax.make_jaxpr(lambda x: core.jaxpr_as_fun(other)(x) * 2)(X)
    first = fingerprint(other)
    assert fingerprint(around) == fingerprint(same)
    assert fingerprint(one) == first
