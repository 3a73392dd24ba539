"""What a claim file may say."""

from pathlib import Path

import pytest

import regimax as rx
from regimax.claims import load_claim
from regimax.claims.folder import same_program

from .conftest import TINY

NO_ASSAY = '    assay="none",\n'
BAD = [
    (TINY.replace(NO_ASSAY, ""), "the claim 'T1' has no assay"),
    (TINY.replace("claim = ", "other = "), "must define claim = regimax.Claim"),
    (TINY.replace("claim = rx.Claim(", "claim = dict("), "claim is a dict, not a regimax.Claim"),
    (TINY.replace('    """Supported iff success exceeds -1."""\n', ""), "a function whose docstring says the rule"),
    (TINY.replace('id="T1"', 'id=""'), "needs an id"),
    (TINY.replace("seeds=[100, 101]", "seeds=[100, 1]"), "the world 1 is one of the result"),
    (TINY.replace("seeds=[100, 101]", "seeds=2"), "must list world seeds"),
    (
        TINY.replace("tuning=rx.Tuning(", "tuning=(lambda **k: {'mian': rx.Tuning(**k)})("),
        "sweep that is tuned: 'mian'",
    ),
    (TINY.replace("small=rx.Sweep(", "small=dict("), "'world' is a Cipher, not a regimax.Sweep"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message for _, message in BAD])
def test_a_claim_that_could_not_be_judged_is_refused(text, message):
    assert text != TINY
    Path("bad.py").write_text(text)
    with pytest.raises(rx.UserError, match=message):
        load_claim(Path("bad.py"))


def test_sweeps_and_tunings_come_by_name(tiny):
    claim = load_claim(tiny)
    assert list(claim.sweeps("small")) == list(claim.tunings("small")) == ["main"]
    assert claim.shaped("small", {"main": 1}) == 1
    assert claim.words() == "Supported iff success exceeds -1."
    with pytest.raises(rx.UserError, match="has no full sweep"):
        claim.sweeps("full")


def test_several_sweeps_stay_several(tiny):
    claim = load_claim(tiny)
    sweep, tuning = claim.sweeps("small")["main"], claim.tunings("small")["main"]
    more = rx.Claim("T2", "?", {"main": sweep, "null": sweep}, claim.rule, tuning={"main": tuning}, full=sweep)
    assert list(more.sweeps("small")) == ["main", "null"]
    assert list(more.tunings("small")) == ["main"]
    assert more.shaped("small", {"main": 1, "null": 2}) == {"main": 1, "null": 2}
    assert more.shaped("full", {"main": 1}) == 1


def test_what_a_program_does_is_told_from_how_it_is_written():
    before = '"""Doc."""\ndef f(x):\n    """Doc."""\n    return x + 1\n'
    assert same_program(before, '"""Other."""\n\n\ndef f(x):  # says more\n    """More."""\n    return (x + 1)\n')
    assert not same_program(before, before.replace("+ 1", "+ 2"))
    assert not same_program(before, before + "(")


def test_the_words_of_a_rule_are_unwrapped_and_lists_stay_lists(tiny):
    text = TINY.replace("exceeds -1.", "exceeds\n    -1.\n\n    1. one\n      more;\n    2. two.\n\n    And\n    so.")
    tiny.write_text(text)
    assert load_claim(tiny).words() == "Supported iff success exceeds -1.\n\n1. one more;\n2. two.\n\nAnd so."
