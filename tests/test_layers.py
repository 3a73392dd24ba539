"""Data flows one way, and what must stay light is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import regimax

ROOT = Path(regimax.__file__).parent
# Rooms by floor, ground floor first: an import may only go down, or stay in its own room.
FLOORS = [
    {"errors"},
    {"memory_maps"},
    {"types", "backend", "factories", "frames", "jobs", "precision", "targets"},
    {"prng", "traced", "shapes"},
    {"ops"},
    {"channels", "networks"},
    {"envs"},
    {"rollout"},
    {"sources"},
    {"learners"},
    {"probes"},
    {"regimes"},
    {"train"},
    {"sweep"},
    {"executors"},
    {"report", "export", "bench"},
    {"claims"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("regimax.")} - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    own = room_of(path)
    for room in imported_rooms(path) - {own}:
        assert LEVEL[room] < LEVEL[own], f"{own} must not import {room}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_a_drawer_for_everything(path):
    assert path.stem not in {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) != "networks"], ids=lambda p: str(p.relative_to(ROOT)))
def test_only_networks_know_flax(path):
    assert "flax" not in {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_regimax_does_not_import_jax():
    assert "jax" not in modules_after("import regimax")


def test_help_does_not_import_jax():
    code = "from regimax.cli import main\ntry: main(['run', '--help'])\nexcept SystemExit: pass"
    assert "jax" not in modules_after(code)


def test_reports_do_not_import_jax():
    assert "jax" not in modules_after("import regimax.report")


def test_importing_everything_starts_no_backend():
    code = (
        "import regimax as rx\n"
        "rx.envs, rx.regimes, rx.sweep, rx.make_train, rx.Sweep\n"
        "import jax\n"
        "assert not jax._src.xla_bridge.backends_are_initialized()"
    )
    assert "jax" in modules_after(code)


def test_every_public_name_exists():
    for name in regimax.__all__:
        assert getattr(regimax, name) is not None


def test_types_and_rollouts_are_public():
    assert {"types", "rollout"} <= set(regimax.__all__)
    assert regimax.types.Trajectory._fields[0] == "obs_tm1"
    assert callable(regimax.rollout.rollout)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = regimax.nothing


@pytest.mark.parametrize("init", sorted(ROOT.rglob("__init__.py")), ids=lambda p: str(p.relative_to(ROOT.parent)))
def test_no_module_is_called_as_what_its_package_exports(init):
    """Where `pkg.name` is a function, `pkg.name` cannot be a module too: that module is private, `pkg/_name.py`."""
    modules = {path.stem for path in init.parent.glob("*.py")}
    for node in ast.walk(ast.parse(init.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                same = (alias.asname or alias.name) in modules and node.module.endswith(f".{alias.name}")
                assert not same, f"{node.module} shares its name with what it exports"
