"""Chips by name or by file, and sentences where that is not possible."""

from pathlib import Path

import pytest

from regimax import UserError
from regimax.targets import chips


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(chips, "installed", lambda *args: True)


def test_the_h200_is_shipped():
    assert chips.names() == ["h200", "v5e", "v5p", "v6e"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("h200", r"h200 needs NVIDIA's compiler, .*pip install 'regimax\[gpu\]'\. It needs no GPU"),
        ("v5e", r"v5e needs libtpu, which is .*pip install 'regimax\[tpu\]'\. It needs no TPU"),
    ],
)
def test_without_the_compiler_it_is_one_sentence(monkeypatch, target, message):
    monkeypatch.setattr(chips, "installed", lambda *args: False)
    with pytest.raises(UserError, match=message):
        chips.chip(target)


def test_what_is_installed_is_found():
    assert chips.installed("regimax")
    assert chips.installed("regimax", ("nothing", "targets"))
    assert not chips.installed("regimax", ("nothing",))
    assert not chips.installed("regimax_of_nobody", ("targets",))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "h20",
            r"unknown target 'h20'\. Did you mean 'h200'\? Allowed: h200, v5e, v5p, v6e, or a file",
        ),
        ("nowhere.txtpb", r"unknown target 'nowhere.txtpb'\."),
        (".", r"unknown target '.'\."),
        ("prose.txtpb", "prose.txtpb describes no chip: it has no name"),
        (
            "half.txtpb",
            "half.txtpb describes no chip: it has no core_count",
        ),  # XLA would break off later, without a word
        ("bytes.txtpb", "cannot read the target bytes.txtpb"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_what_is_no_chip_is_told(target, message):
    Path("prose.txtpb").write_text("a large one")
    whole = chips._description("h200")
    Path("half.txtpb").write_text("\n".join(line for line in whole.splitlines() if "core_count" not in line))
    Path("bytes.txtpb").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=message):
        chips.chip(target)
