"""Whatever is typed, written in a file or found in a directory: a sentence, no traceback, and nothing is changed."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimax.cli import main
from regimax.sweep import disk

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("REGIMAX_FUZZ", "2500"))
"""Of each of the four kinds."""
many = settings(
    max_examples=EXAMPLES,
    deadline=20_000,  # milliseconds: nothing hangs
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)

OPTIONS = 'o = {"network": rx.networks.mlp((2,)), "num_envs": 2, "evaluate": rx.regimes.Evaluate(1, 2)}\n'
PARTS = f"import regimax as rx\n{OPTIONS}world = rx.envs.Lock(depth=2, actions=2)\n"
PARTS += "regimes = [rx.regimes.pure_rl(1, **o), rx.regimes.pretrain_rl((1, 1), **o)]\n"
HEAD = "from parts_of_fuzzed_files import o, regimes, rx, world\n"
SWEEP = "sweep = rx.Sweep(world, regimes, axes={'reward.erasure': [0.0, 0.5]}, seeds=2)\n"
heads = st.integers(0, 29).map(lambda n: PARTS if n == 7 else HEAD)
"""Parts of the file's own take half a second to trace, and are as good as those that many files share."""

odd = st.sampled_from(
    [*("nan", "inf", "-1", "1e999", "1e-320", "0x10", "1_0", "٣", "", " ", ",", "=", "..", "/", "\0", "\ud800")]
)
numbers = st.one_of(st.integers(), st.floats(), st.integers(-3, 3), st.floats(0, 1))
names = st.sampled_from(
    ["reward.erasure", "rl.updates", "rl.learning_rate", "world.depth", "regime", "seed", "cell", "reward", "rl.", "."]
)


@pytest.fixture(scope="module", autouse=True)
def _parts_are_remembered(tmp_path_factory):
    """What is planned time and again is traced once: its parts are a module's that stands where none is forgotten."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "parts_of_fuzzed_files.py").write_text(PARTS)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(folder)
        yield


def held(folder):
    """What a folder holds, by name: links as where they lead, files as their bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = (
            os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        )
    return found


def says(words, capsys, folder):
    """Types a command; it ends well or with a sentence, and changes nothing in the folder. Returns the exit code."""
    before = held(folder)
    try:
        code = main(words)
    except SystemExit as ended:  # of tyro, for an option that it does not know
        code = ended.code
    told = capsys.readouterr().err
    assert code in (0, 2), told
    assert "Traceback" not in told
    assert len(told) < 4000
    assert code == 0 or told
    assert held(folder) == before
    return code


values = st.one_of(
    odd,
    numbers.map(str),
    st.text(max_size=8),
    st.builds("{}..{}/{}".format, numbers, numbers, st.one_of(st.integers(-1, 4), st.integers(), odd)),
    st.builds("{}..{}/{}/lin".format, numbers, numbers, st.integers(0, 4)),
)
assignments = st.one_of(
    st.text(max_size=20),
    st.builds("{}={}".format, st.one_of(names, st.text(max_size=6)), st.lists(values, max_size=4).map(",".join)),
)


@many
@given(heads, st.lists(assignments, max_size=3), st.one_of(st.none(), st.integers(-1, 3), st.integers(10**6, 2**70)))
def test_whatever_is_set(capsys, tmp_path, head, typed, seeds):
    file = tmp_path / "mine.py"
    file.write_text(head + SWEEP)
    words = ["plan", str(file)] + [word for one in typed for word in ("--set", one)]
    says(words + ([] if seeds is None else ["--seeds", str(seeds)]), capsys, tmp_path)


literals = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), names),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(names, st.text(max_size=3), st.integers(0, 3)), inner, max_size=3),
    ),
    max_leaves=6,
)
FIELDS = (
    *("world", "regimes", "axes", "settings", "choices", "derived", "seeds", "learners_per_world", "threshold"),
    *("consecutive", "block", "optimization", "precision", "deterministic", "autotune", "keep_params", "question"),
)
source = literals.map(lambda value: repr(value).replace("nan", "float('nan')").replace("inf", "float('inf')"))
fields = st.dictionaries(
    st.one_of(st.sampled_from(FIELDS), st.text("abc_", min_size=1, max_size=5)),
    st.one_of(source, st.sampled_from(["world", "regimes", "rx", "[]", "regimes[:1]", "lambda s: 1.0", "o"])),
    max_size=3,
)


def called(name, given):
    parts = {"world": "world", "regimes": "regimes", "seeds": "2"} if name == "Sweep" else {}
    return f"rx.{name}({', '.join(f'{key}={value}' for key, value in (parts | given).items())})"


@many
@given(
    st.one_of(
        st.builds(lambda head, given: head + f"sweep = {called('Sweep', given)}\n", heads, fields), st.text(max_size=60)
    )
)
def test_whatever_a_sweep_file_says(capsys, tmp_path, text):
    file = tmp_path / "mine.py"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    says(["plan", str(file)], capsys, tmp_path)


CLAIM = {"id": "'C1'", "question": "'?'", "rule": "rule", "control": "''", "null": "''", "assay": "''"}
RULE = "def rule(run):\n    '''Never.'''\n"
SMALL = "rx.Sweep(world, regimes[:1], seeds=2)"
of_claims = st.dictionaries(
    st.sampled_from([*CLAIM, "small", "full", "tuning", "full_tuning", "figure", "pilot"]),
    st.one_of(source, st.sampled_from(["rule", "rx", SMALL, f"{{'a': {SMALL}}}", "lambda run: None"])),
    max_size=3,
)
tunings = fields.map(lambda given: {"tuning": called("Tuning", {"axes": "{}", "seeds": "[7]"} | given)})


@many
@given(heads, st.one_of(of_claims, tunings))
def test_whatever_a_claim_file_says(capsys, tmp_path, head, changed):
    file = tmp_path / "mine.py"
    text = ", ".join(f"{key}={value}" for key, value in ({"small": SMALL} | CLAIM | changed).items())
    file.write_text(f"{head}{RULE}claim = rx.Claim({text})\n", encoding="utf-8", errors="surrogatepass")
    says(["plan", str(file)], capsys, tmp_path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "mine.py").write_text(PARTS + SWEEP)
    assert main(["run", str(folder / "mine.py"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def kinds(path):
    """What is done to a file of a run directory."""
    data = path.read_bytes()
    cut = st.integers(0, len(data)).map(lambda end: data[:end])
    flip = st.integers(0, max(len(data) * 8 - 1, 0)).map(
        lambda bit: data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :] if data else b""
    )
    whole = st.sampled_from(["gone", "folder", "link", "loop"])
    return st.one_of(
        cut, flip, st.binary(max_size=40), whole, *([sealed(json.loads(data))] if path.suffix == ".json" else [])
    )


def places(value, at=()):
    """Every place in plain data."""
    yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


def put(value, at, new):
    """Plain data with something else at a place."""
    if not at:
        return new
    first, *rest = at
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    changed = {key: put(inner, rest, new) if key == first else inner for key, inner in pairs}
    return changed if isinstance(value, dict) else list(changed.values())


plain = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


def sealed(data):
    """Sealed data that says something else: of another version, or of someone who means ill."""
    data = {key: value for key, value in data.items() if key != disk.SEAL}

    def bytes_of(pair):
        changed = put(data, *pair)
        if isinstance(changed, dict):
            changed = changed | {disk.SEAL: disk.plain_digest(changed)}
        return json.dumps(changed).encode()

    return st.tuples(st.sampled_from(sorted(places(data), key=repr)), plain).map(bytes_of)


@many
@given(st.data(), st.sampled_from(["table", "report", "export"]))
def test_whatever_a_run_directory_holds(capsys, tmp_path, run, data, command):
    folder = tmp_path / "run"
    shutil.rmtree(tmp_path, ignore_errors=True)
    tmp_path.mkdir()
    shutil.copytree(run, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files).map(lambda path: path.relative_to(folder)).map(str))
    done = data.draw(kinds(folder / path))
    (folder / path).unlink()
    if isinstance(done, bytes):
        (folder / path).write_bytes(done)
    elif done == "folder":
        (folder / path).mkdir()
    elif done != "gone":
        (folder / path).symlink_to(folder / path if done == "loop" else "/nonexistent")
    before = held(folder)
    code = says(
        [command, str(folder), *(["--to", "csv"] if command == "export" else [])], capsys, Path(tmp_path / "none")
    )
    after = {name: data for name, data in held(folder).items() if name != "report.html"}
    assert after == {name: data for name, data in before.items() if name != "report.html"}
    assert code == 2 or command != "report" or (folder / "report.html").is_file()
