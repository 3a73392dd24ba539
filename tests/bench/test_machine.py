"""What figures depend on besides the code."""

import pytest

from regimax.bench.machine import cpu, facts, in_words


@pytest.mark.parametrize(
    ("flags", "words"),
    [("fpu avx avx2 avx512f", "AMD EPYC, AVX-512"), ("fpu avx avx2", "AMD EPYC, AVX2"), ("fpu", "AMD EPYC")],
)
def test_processors_of_one_name_are_told_apart(tmp_path, flags, words):
    one = f"processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: {flags}\n"
    path = tmp_path / "cpuinfo"
    path.write_text(f"{one}\n{one}")
    assert cpu(path) == words


def test_a_system_that_tells_nothing_has_an_architecture(tmp_path):
    assert cpu(tmp_path / "cpuinfo")


def test_a_cpu_is_named_after_its_processor():
    assert f"({cpu()})" in in_words(facts())
