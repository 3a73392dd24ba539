"""Other people's packages that are not there, or fail beside the jax that is: one sentence, no traceback."""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

import jax
import pytest

import regimax as rx
from regimax.envs.imported import imported

MAKE = {"gymnax": lambda: rx.envs.gymnax.make("CartPole-v1"), "craftax": rx.envs.craftax.make}
MODULE = {"gymnax": "gymnax", "craftax": "craftax.craftax_env"}


class OfAnotherJax(MetaPathFinder):
    """Finds packages that call, when they are imported, what no jax has."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path, target=None):
        return ModuleSpec(name, self) if name in self.names else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        jax.long_gone()  # type: ignore[attr-defined]


@pytest.fixture
def of_another_jax(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in MAKE]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [OfAnotherJax({*MAKE, "gymnax.environments"}), *sys.meta_path])


@pytest.mark.parametrize("package", MAKE)
def test_one_that_is_not_installed_is_told(package, monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE[package], None)
    with pytest.raises(rx.UserError, match=rf"pip install 'regimax\[{package}\]'"):
        MAKE[package]()


@pytest.mark.parametrize("package", MAKE)
def test_one_that_fails_beside_this_jax_is_told_with_its_version(package, of_another_jax):
    with pytest.raises(rx.UserError, match=rf"cannot be imported beside jax {jax.__version__} \(module 'jax' has no"):
        MAKE[package]()


def test_what_gymnax_asks_of_jax_is_told_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnax", None)
    with pytest.raises(rx.UserError, match=r"gymnax 1\.0\.1 brings a jax below 0\.12 along"):
        MAKE["gymnax"]()


def test_spaces_are_our_own_beside_a_gymnax_that_fails(of_another_jax):
    assert rx.as_gymnax(rx.envs.Lock(depth=3, actions=3)).action_space().n == 3


def test_one_that_is_there_is_imported():
    assert imported("json", "json", "a world", "nothing").loads("1") == 1
