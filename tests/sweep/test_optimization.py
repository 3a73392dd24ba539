"""What the compiler is asked for."""

import jax
import pytest

import regimax as rx
from regimax.regimes.traces import traces
from regimax.sweep import difference, optimization
from regimax.sweep.cost import Costs
from regimax.sweep.plan import make_plan
from regimax.sweep.spec import override


def test_a_short_run_gets_code_that_is_soon_there_and_a_long_one_fast_code():
    assert optimization.choose(1e9, "cpu") == "none"
    assert optimization.choose(1e11, "cpu") == "quick"
    assert optimization.choose(1e13, "cpu") == "full"
    assert optimization.choose(1e9, "tpu") == "full"
    for flops in (1e9, 1e20):
        assert {optimization.choose(flops, name) for name in optimization.GPUS} == {"quick"}


def test_a_sweep_says_what_it_wants_or_leaves_it_open(tiny, monkeypatch):
    def wanted(**changes):
        plan = make_plan(tiny(**changes))
        return optimization.of_plan(plan, Costs(plan), "cpu")

    assert wanted() == "none"
    assert wanted(optimization="full") == "full"
    # What counts is what a program executes in all, on average: 14 updates of 2 programs, for every seed.
    plan = make_plan(tiny(seeds=1))
    costs = Costs(plan)
    flops = sum(costs(stage).flops_executed * (stage.end - stage.start) for stage in plan.stages.values())
    monkeypatch.setattr(optimization, "NONE_UP_TO", 2.5 * flops / 2)
    assert (wanted(seeds=2), wanted(seeds=3)) == ("none", "quick")


def test_what_does_not_exist_is_answered_with_the_nearest(tiny):
    with pytest.raises(rx.UserError, match=r"optimization 'quik'.*quick"):
        make_plan(tiny(optimization="quik"))


@pytest.mark.parametrize("name", optimization.OPTIMIZATIONS)
def test_options_are_known_to_the_compiler_and_those_it_does_not_know_are_left_out(name, monkeypatch):
    asked = optimization.options(name, "advance", "cpu")
    without = {"xla_cpu_use_fusion_emitters"} if jax.__version_info__ >= (0, 11) else set()  # XLA has it no more
    assert asked == {k: v for k, v in optimization.OPTIMIZATIONS[name].items() if k not in without}
    jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options=asked or None)
    monkeypatch.setitem(optimization.OPTIMIZATIONS, name, {**asked, "xla_of_another_century": True})
    assert optimization.options(name, "advance", "cpu") == asked
    assert not set(optimization.options(name, "advance", "cuda")) & set(asked)


def test_functions_that_only_move_numbers_are_always_compiled_cheaply():
    assert optimization.options("full", "place", "cpu")["xla_backend_optimization_level"] == 0
    assert optimization.options("full", "init", "cpu") == {}


def test_init_runs_once_and_is_compiled_cheaply_except_where_it_must_give_the_bits_of_make_train():
    assert optimization.options("quick", "init", "cpu") == optimization.options("none", "init", "cpu")
    assert optimization.options("quick", "advance", "cpu") != optimization.options("none", "advance", "cpu")


WRONG = {"precision": ("higest", "Did you mean 'highest'"), "deterministic": (1, "neither True nor False")}


@pytest.mark.parametrize("name", WRONG)
def test_bad_numerics_are_refused_before_anything_is_computed(tiny, name):
    value, message = WRONG[name]
    with pytest.raises(rx.UserError, match=message):
        make_plan(tiny(**{name: value}))


def test_another_precision_is_another_program_and_the_usual_one_is_not_spoken_of(tiny):
    usual, high = make_plan(tiny()), make_plan(tiny(precision="highest"))
    assert not set(usual.programs) & set(high.programs)
    assert make_plan(tiny(precision="default")).resolved == usual.resolved
    assert high.resolved["precision"] == "highest"
    texts = [str(traces(p).tick.jaxpr) for plan in (usual, high) for p in list(plan.programs.values())[:1]]
    assert ["HIGHEST" in text for text in texts] == [False, True]


def test_what_a_gpu_is_asked_for_is_recorded_with_every_part_and_does_nothing_elsewhere(tiny):
    plan = make_plan(tiny(deterministic=True, autotune=False, optimization="full"))
    assert set(plan.programs) == set(make_plan(tiny()).programs)
    wanted = optimization.of_plan(plan, Costs(plan), "gpu")
    assert wanted == "full, deterministic, untuned"
    assert optimization.of_plan(plan, Costs(plan), "cpu") == "full"
    asked = optimization.options(wanted, "advance", "gpu")
    assert asked == {"xla_gpu_exclude_nondeterministic_ops": True, "xla_gpu_autotune_level": 0}
    jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options=asked)  # this version of XLA knows them
    assert optimization.options(wanted, "place", "gpu") == asked
    assert optimization.options("full", "advance", "gpu") == {}
    assert optimization.options(wanted, "advance", "cpu") == {}


def test_on_a_gpu_a_pass_is_left_out_that_takes_minutes_unless_all_is_asked_for(tiny, monkeypatch):
    def asked(**changes):
        plan = make_plan(tiny(**changes))
        return optimization.options(optimization.of_plan(plan, Costs(plan), "cuda"), "advance", "cuda")

    monkeypatch.setenv("XLA_FLAGS", "")
    assert asked() == {"xla_disable_hlo_passes": "triton-softmax-rewriter"}
    assert asked(optimization="full") == {}
    assert asked(autotune=False) == asked() | {"xla_gpu_autotune_level": 0}
    # What the user leaves out stays so.
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here --xla_disable_hlo_passes=cse,dce")
    assert asked() == {"xla_disable_hlo_passes": "cse,dce,triton-softmax-rewriter"}
    jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options=asked())


def test_numerics_are_part_of_what_a_run_holds(tiny):
    found = difference.changed(make_plan(tiny()).resolved, make_plan(tiny(deterministic=True)).resolved)
    assert found == "deterministic is new"


def test_what_was_typed_wins_and_what_was_not_is_the_files(tiny):
    sweep = override(tiny(precision="high", autotune=False), [], numerics={"precision": "highest"})
    assert (sweep.precision, sweep.autotune, sweep.deterministic) == ("highest", False, False)
