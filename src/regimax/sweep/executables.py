"""The compiled functions of a program: each is traced and lowered once, and compiled for every device.

Compiling goes on in threads of its own, so that the programs of a run are compiled side by side, and while those that
are ready run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, NamedTuple

import jax
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

from regimax import memory_maps
from regimax.backend import check_lapack, cores
from regimax.frames import with_room
from regimax.types import PyTree


class Function(NamedTuple):
    """A function to compile.

    Attributes:
      call: the function.
      shapes: returns its arguments' shapes, leaves with `shape` and `dtype`; asked for once, when it is lowered.
      donate: positions of arguments whose memory it may take.
    """

    call: Callable[..., Any]
    shapes: Callable[[], tuple[Any, ...]]
    donate: tuple[int, ...] = ()


class Compiling(NamedTuple):
    """A function that is being traced, lowered or compiled.

    Attributes:
      name: of program and function.
      since: when that began, on the monotonic clock, s.
    """

    name: str
    since: float


class Workers:
    """Threads that compile.

    Args:
      number: of threads; one per core when not given.
    """

    def __init__(self, number: int | None = None):
        self._threads = ThreadPoolExecutor(number or cores(), thread_name_prefix="compile")
        self._under_way: list[Compiling] = []

    def submit(self, name: str, task: Callable[[], None]) -> None:
        """Does a task as soon as a thread is free."""

        @with_room
        def run() -> None:
            compiling = Compiling(name, time.monotonic())
            self._under_way.append(compiling)
            try:
                task()
            finally:
                self._under_way.remove(compiling)

        self._threads.submit(run)

    def under_way(self) -> list[Compiling]:
        """Returns what is being compiled now, longest first."""
        return list(self._under_way)

    def close(self) -> None:
        """Lets go of what has not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Executables:
    """The functions of one program, compiled when first asked for or in good time.

    Attributes:
      traces: how often each function was traced, by name; never more than once each.

    Args:
      name: of the program, for those who wait.
      functions: by name.
      devices: what they are compiled for.
      options: the compiler's, by the function's name; its defaults where there are none.
      compiling: entered while the caller waits for a function.
      workers: threads that compile; those of the process when not given.
    """

    def __init__(
        self,
        name: str,
        functions: Mapping[str, Function],
        devices: Sequence[Any],
        options: Mapping[str, Mapping[str, Any]],
        compiling: Callable[[], AbstractContextManager[None]] = nullcontext,
        workers: Workers | None = None,
    ):
        self.traces: dict[str, int] = {}
        self._name, self._functions, self._devices, self._options = name, dict(functions), devices, dict(options)
        self._compiling, self._workers = compiling, workers
        self._lowered: dict[str, Future[jax.stages.Lowered]] = {}
        self._compiled: dict[tuple[str, int], Future[jax.stages.Compiled]] = {}
        self._ready: dict[tuple[str, int], jax.stages.Compiled] = {}

    def add(self, name: str, function: Function, options: Mapping[str, Any]) -> None:
        """Takes one more function, with its options of the compiler."""
        self._functions[name], self._options[name] = function, options

    def prepare(self, name: str, devices: Iterable[int] = (0,)) -> None:
        """Begins to compile a function for devices, one after the other, where that was not begun before."""
        missing = {device: Future() for device in devices if (name, device) not in self._compiled}
        if not missing:
            return
        begins = name not in self._lowered
        lowered = self._lowered.setdefault(name, Future())
        self._compiled |= {(name, device): future for device, future in missing.items()}

        def task() -> None:
            if begins:
                _settle(lowered, lambda: self.lower(name))
            for device, future in missing.items():  # what the first one has compiled is loaded, where it is kept
                _settle(future, lambda device=device: self.compile(name, lowered.result(), device))

        (self._workers or _workers()).submit(f"{self._name} {name}", task)

    def get(self, name: str, device: int = 0) -> jax.stages.Compiled:
        """Returns the executable of a function for a device; waits for it."""
        if (name, device) not in self._ready:
            with self._compiling():
                self.prepare(name, (device,))
                self._ready[name, device] = self._compiled[name, device].result()
        return self._ready[name, device]

    def devices(self, name: str) -> set[int]:
        """Returns the devices for which a function is compiled, or was begun."""
        return {device for begun, device in self._compiled if begun == name}

    def awaited(self) -> set[int]:
        """Returns the devices for which a function was begun that is not there yet."""
        return {device for (_, device), future in list(self._compiled.items()) if not future.done()}

    def serve(self, compiling: Callable[[], AbstractContextManager[None]], workers: Workers) -> None:
        """Goes on for another caller."""
        self._compiling, self._workers = compiling, workers

    def __call__(self, name: str, device: int, *args: PyTree) -> Any:
        """Calls a function on a device, on arguments that lie there or on the host."""
        return self.get(name, device)(*args)

    def lower(self, name: str) -> jax.stages.Lowered:
        """Traces and lowers a function, here and now."""
        function = self._functions[name]

        # A named function, so that traces can be counted and programs told apart in profiles.
        def counted(*args: Any) -> Any:
            self.traces[name] = self.traces.get(name, 0) + 1
            return function.call(*args)

        counted.__name__ = name
        jitted = jax.jit(counted, donate_argnums=function.donate)
        args = jax.tree.map(_anywhere, function.shapes())
        lowered = jitted.trace(*args).lower(lowering_platforms=(self._devices[0].platform,))
        check_lapack(lowered, f"the phase {self._name!r}", self._devices)
        return lowered

    def compile(self, name: str, lowered: jax.stages.Lowered, device: int) -> jax.stages.Compiled:
        """Compiles for a device what was lowered, here and now.

        Raises:
          UserError: where the process would be ended for want of memory maps.
        """
        if self._devices[device].platform == "cpu":
            memory_maps.check()
        return compiled(lowered, self._options.get(name, {}), device_assignment=(self._devices[device],))


UNTILED = "Couldn't find output tile sizes"
"""What XLA says of a product for which it finds no tiles, as of one with a factor that is the same throughout."""

WITHOUT_TILES = {"xla_gpu_enable_triton_gemm": False}
"""Has a GPU's products done by cuBLAS."""


def compiled(lowered: jax.stages.Lowered, options: Mapping[str, Any], **more: Any) -> jax.stages.Compiled:
    """Compiles what was lowered; on a GPU with all products left to cuBLAS where XLA fails at making one itself.

    Args:
      lowered: the function.
      options: the compiler's.
      **more: given on to `lowered.compile`.
    """
    try:
        return lowered.compile(compiler_options=dict(options) or None, **more)
    except jax.errors.JaxRuntimeError as error:
        if UNTILED not in str(error):
            raise
    return lowered.compile(compiler_options={**options, **WITHOUT_TILES}, **more)


def _settle(future: Future[Any], task: Callable[[], Any]) -> None:
    """Gives a future what a task returns or raises."""
    try:
        future.set_result(task())
    except BaseException as error:
        future.set_exception(error)


@cache
def _workers() -> Workers:
    return Workers()


def _anywhere(x: Any) -> jax.ShapeDtypeStruct:
    """The shape of what lies on one device, whichever that is."""
    sharding = NamedSharding(AbstractMesh((1,), ("device",)), PartitionSpec())
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
