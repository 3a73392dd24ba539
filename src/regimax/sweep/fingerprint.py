"""What stands for a trace, the same in every process: its equations, with what they close over by value.

Two traces have one fingerprint where they compute the same by the same equations, whoever wrote them. Names of
functions and variables, places in files and comments do not reach it; nor does what a function could have done and did
not when it was traced. The text of the lowered program would do as well, and take three times as long.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import types
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

NAMES = {"name", "debug_info", "name_and_src_info", "source_info"}
"""Parameters of equations that say what things are called."""
RULES = {"custom_jvp_call": ("call_jaxpr",), "custom_vjp_call": ("call_jaxpr", "fun_jaxpr")}
"""Primitives with rules for a differentiation that is over once all is traced, and what of them still counts."""


def fingerprint(jaxpr: core.ClosedJaxpr) -> str:
    """Returns the SHA-256 of a trace, in hexadecimal digits.

    Example:
      >>> import jax.numpy as jnp
      >>> def scaled(by): return jax.make_jaxpr(lambda x: by * x)(1.0)
      >>> fingerprint(scaled(2.0)) == fingerprint(scaled(2.0)), fingerprint(scaled(2.0)) == fingerprint(scaled(3.0))
      (True, False)
    """
    return _Walk().closed(jaxpr)


def _sha(*parts: str | bytes) -> str:
    whole = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join([len(data).to_bytes(8, "little") + data for data in whole])).hexdigest()


_number = functools.lru_cache(maxsize=4096)(_sha)
"""Of a number's bytes: the same few are in all equations."""


def _array(value: Any) -> str:
    """A constant by value."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return f"key {value.dtype} {_array(jax.random.key_data(value))}"
    found = np.asarray(value)
    if found.dtype == object:
        return f"objects {[repr(one) for one in found.flat]}"
    return f"{_name(found.dtype)}{found.shape} {(_sha if found.ndim else _number)(found.tobytes())}"


@functools.cache
def _name(dtype: Any) -> str:
    """What a type of numbers is called, which NumPy spells out anew each time."""
    return str(dtype)


def _aval(aval: Any) -> str:
    return f"{_name(aval.dtype)}{aval.shape}" if hasattr(aval, "shape") else type(aval).__name__


_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})

_known: WeakKeyDictionary[core.Jaxpr, str] = WeakKeyDictionary()
"""What stands for the equations that were looked at: those of JAX's own functions come in every program."""


class _Walk:
    """One walk through a trace; what is shared is looked at once."""

    def __init__(self) -> None:
        self._within: dict[core.Jaxpr, str] = {}
        self._open: set[int] = set()
        self._texts: dict[int, tuple[Any, str]] = {}  # of objects that say all of themselves, with the object

    def closed(self, jaxpr: core.ClosedJaxpr) -> str:
        return _sha(self.open(jaxpr.jaxpr), *(_array(value) for value in jaxpr.consts))

    def open(self, jaxpr: core.Jaxpr) -> str:
        # Within what may hold itself it depends on where the walk has come from.
        known = self._within if self._open else _known
        if jaxpr not in known:
            known[jaxpr] = self._equations(jaxpr)
        return known[jaxpr]

    def _equations(self, jaxpr: core.Jaxpr) -> str:
        numbers: dict[Any, str] = {}

        def atom(variable: Any) -> str:
            if isinstance(variable, core.Literal):
                return f"={_aval(variable.aval)} {_array(variable.val)}"
            return numbers.get(variable) or numbers.setdefault(variable, str(len(numbers)))

        def opened(variables: Any) -> list[str]:
            return [f"{atom(variable)}:{_aval(variable.aval)}" for variable in variables]

        lines = [f"{opened(jaxpr.constvars)} {opened(jaxpr.invars)}"]
        for equation in jaxpr.eqns:
            name = equation.primitive.name
            kept = RULES.get(name)
            params = [
                f"{key}={self.value(value)}"
                for key, value in sorted(equation.params.items())
                if (key in kept if kept else key not in NAMES)
            ]
            lines.append(f"{name} {params} {[atom(x) for x in equation.invars]} {opened(equation.outvars)}")
        return _sha(*lines, str([atom(x) for x in jaxpr.outvars]))

    def value(self, value: Any) -> str:
        """Returns a parameter of an equation, or what a function of the host closes over."""
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, tuple):  # holds itself only through what can
            return self._compound(value)
        if id(value) in self._texts:
            return self._texts[id(value)][1]
        if isinstance(value, bool | int | float | complex | str | bytes):  # of a kind of its own
            return repr(value)
        if isinstance(value, np.dtype | enum.Enum):
            return str(value)
        if isinstance(value, core.ClosedJaxpr):
            return self.closed(value)
        if isinstance(value, core.Jaxpr):
            return self.open(value)
        if isinstance(value, np.ndarray | np.generic | jax.Array):
            return _array(value)
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        if id(value) in self._open:  # it holds itself
            return "..."
        self._open.add(id(value))
        try:
            return self._compound(value)
        finally:
            self._open.discard(id(value))

    def _compound(self, value: Any) -> str:
        kind = type(value).__name__
        if isinstance(value, tuple | list):
            return f"{kind}{[self.value(one) for one in value]}"
        if isinstance(value, Mapping):
            return f"{kind}{sorted((self.value(key), self.value(one)) for key, one in value.items())}"
        if isinstance(value, set | frozenset):
            return f"{kind}{sorted(self.value(one) for one in value)}"
        if dataclasses.is_dataclass(value):
            fields = [f.name for f in dataclasses.fields(value) if f.name not in NAMES]
            return f"{kind}{[(name, self.value(getattr(value, name, None))) for name in fields]}"
        if isinstance(value, functools.partial | types.MethodType | types.FunctionType):
            return self._function(value)
        text = repr(value)
        if " at 0x" in text:
            return f"{kind}{self._compound(dict(getattr(value, '__dict__', {})))}"
        self._texts[id(value)] = value, text
        return text

    def _function(self, function: Callable[..., Any]) -> str:
        """A function that the host calls while the program runs: by what it does, not by its name or its comments."""
        if isinstance(function, functools.partial):
            return f"partial{[self.value(x) for x in (function.func, function.args, function.keywords)]}"
        if isinstance(function, types.MethodType):
            return f"method{[self.value(x) for x in (function.__func__, function.__self__)]}"
        assert isinstance(function, types.FunctionType)
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        defaults = (function.__defaults__, function.__kwdefaults__)
        return f"function{[self._code(function.__code__), *(self.value(x) for x in (*cells, *defaults))]}"

    def _code(self, code: types.CodeType) -> str:
        constants = [self._code(x) if isinstance(x, types.CodeType) else self.value(x) for x in code.co_consts]
        return _sha(code.co_code, str(constants), str(code.co_names))
