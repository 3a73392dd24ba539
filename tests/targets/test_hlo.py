"""What a compiled program launches is read from its text."""

from pathlib import Path

import pytest

from regimax.targets import launches

TEXTS = Path(__file__).with_name("hlo")


def read(name):
    return launches((TEXTS / f"{name}.txt").read_text())


def test_a_loop_counts_its_turns_and_its_condition_only_where_the_chip_has_to_be_asked():
    # Compiled for an H200: 16 turns of a product, a loop until a sum is large enough, a choice, a sort.
    found = read("loops")
    assert found.kinds == {
        "copy": 1 + 16,  # before the loop and in it
        "custom fusion": 16 + 1 + 1,  # the loop's product, the first of two branches of equal length, and the sort
        "loop fusion": 1 + 16 + 2,  # the choice's condition; counting turns; the open loop's body and comparison
        "input fusion": 2,  # the sum that the open loop asks for
    }
    assert found.total == 56
    assert found.open_loops == 1


def test_calls_of_libraries_nested_loops_and_what_runs_beside():
    found = read("library")
    assert found.kinds == {
        "call of __cublas$gemm": 1,
        "copy": 1 + 3,  # begun and ended apart, it is one; the branch with two of them may not be taken
        "input fusion": 1,
        "loop fusion": 1 + 3 * 5,
    }
    assert found.open_loops == 0


def program(*lines):
    return "\n".join(["ENTRY %main (x: f32[2]) -> f32[2] {", *lines, "}"])


@pytest.mark.parametrize(
    "line",
    [
        "  ROOT %y.1 = f32[2]{0} copy(%x)",
        "  y = (f32[2]{0:T(128)(2,1)}, (s32[], pred[])) copy(%x), metadata={op_name=\"while(\"}",
        "  %y = f32[2]{0} /*index=5*/copy(%x)",
    ],
)  # fmt: skip
def test_however_the_shape_of_a_result_is_written(line):
    assert launches(program(line)).kinds == {"copy": 1}


@pytest.mark.parametrize("operation", ["parameter", "tuple", "get-tuple-element", "bitcast", "constant", "copy-done"])
def test_what_stands_for_a_place_launches_nothing(operation):
    assert launches(program(f"  %y = f32[2]{{0}} {operation}(%x)")).total == 0


def test_an_open_loop_within_a_loop_is_one_loop():
    inner = "%i = s32[] while(%x), condition=%c, body=%b"
    text = "\n".join(
        [
            "%c (x: s32[]) -> pred[] {", "  ROOT %y = pred[] compare(%x, %x)", "}",
            "%b (x: s32[]) -> s32[] {", "  ROOT %y = s32[] add(%x, %x)", "}",
            "%outer (x: s32[]) -> s32[] {", f"  {inner}", "}",
            program('  %o = s32[] while(%x), condition=%c, body=%outer, backend_config={"known_trip_count":{"n":"7"}}'),
        ]
    )  # fmt: skip
    found = launches(text)
    assert found.kinds == {"compare": 7, "add": 7}
    assert found.open_loops == 1


def test_what_cannot_be_read_is_no_zero():
    with pytest.raises(ValueError, match="no entry"):
        launches("HloModule jit_f")
    with pytest.raises(ValueError, match=r"no operation can be read in '%y = f32\[2\]'"):
        launches(program("  %y = f32[2]"))
