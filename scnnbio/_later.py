"""Lazy imports, for the ``scnnbio`` command only.

Libraries import more than a run needs. Within :func:`later` they get stand-ins for some modules; a
stand-in imports the real module when an attribute of it is used. That saves the command 0.3 s and
25 MB.

A stand-in is in ``sys.modules`` for a moment, visible to every thread of the process. So
:func:`later` does nothing until the process has called :func:`own_process`, as the command does at
its start, without other threads. In any other process, ``import scnnbio`` replaces nothing.

``importlib.util.LazyLoader`` does not help: the next ``import`` of the module by any library loads
it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: Submodules of numpy that are imported by code that looks up all of numpy's names, and rarely
#: used.
NUMPYS = ("numpy.f2py", "numpy.ma", "numpy.polynomial", "numpy.testing")

#: New objects that start a search for garbage. Imports make a million, a figure tens of thousands,
#: almost none of them garbage: a search at each 700, as Python has it, takes a tenth of the time.
_OBJECTS = 50_000

_SWAPPING = threading.Lock()

_process_is_ours = False


def own_process() -> None:
    """Allow stand-ins in this process, and import PyNN and scipy with their help.

    PyNN imports neo with all its file readers, csa where that is installed, with matplotlib's
    pyplot, for classes that are not used here; quantities, for its own recordings; and scipy's
    sparse matrices, for a type check. scipy's filters import its special functions, to rotate
    pictures, and all of numpy, to support libraries with numpy's interface.
    """
    global _process_is_ours  # noqa: PLW0603 (a process belongs to the command or not, as a whole)
    _process_is_ours = True
    gc.set_threshold(_OBJECTS)
    with later("neo", "csa", "quantities", "scipy.sparse", "scipy.special", *NUMPYS):
        importlib.import_module("pyNN.connectors")
        importlib.import_module("pyNN.common")
        importlib.import_module("scipy.ndimage")


class Later(ModuleType):
    """Stand-in for a module, which is imported when an attribute of it is used."""

    def __getattr__(self, name: str) -> Any:
        with _SWAPPING:  # two threads can use it at the same time
            if sys.modules.get(self.__name__) is self:  # asked already by who imports it
                del sys.modules[self.__name__]
        real = importlib.import_module(self.__name__)
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


@contextlib.contextmanager
def later(*names: str, hollow: tuple[str, ...] = ()) -> Iterator[None]:
    """Replace imports of these modules within the block by stand-ins, if this process allows it.

    Parameters
    ----------
    *names : str
        Modules. A module that is already imported, or not installed, is not replaced.
    hollow : tuple of str
        Packages of which submodules can be imported within the block without the package itself.
    """
    absent = {}
    for name in (*names, *hollow) if _process_is_ours else ():
        place = None if name in sys.modules else _place(name)
        if place is None or name in sys.modules:  # looking for it imports what it is in
            continue
        absent[name] = sys.modules[name] = stand_in = Later(name)
        if name in hollow:
            stand_in.__path__ = place
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, stand_in)
    try:
        yield
    finally:
        for name, stand_in in absent.items():
            with _SWAPPING:
                if sys.modules.get(name) is stand_in:
                    _forget(name, stand_in)


def _place(name: str) -> list[str] | None:
    """Search path of a module's submodules; None if it is not installed."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # nor is what it is in
        return None
    return None if spec is None else list(spec.submodule_search_locations or ())


def _forget(name: str, stand_in: Later) -> None:
    """Let the next import find the module itself and its submodules."""
    del sys.modules[name]
    for inner in [other for other in sys.modules if other.startswith(f"{name}.")]:
        del sys.modules[inner]
    parent, _, child = name.rpartition(".")
    # Where a package finds its modules when they are asked for, as numpy does, it is to do so.
    # Elsewhere who wrote ``import a.b`` counts on ``a.b``.
    names = vars(sys.modules[parent]) if parent else {}
    if "__getattr__" in names and names.get(child) is stand_in:
        del names[child]
