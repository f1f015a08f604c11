"""Imports that wait until somebody uses what is imported: for the ``scnnbio`` command alone.

Libraries import more than a run needs. What they import while :func:`later` is in force they get
a stand-in for, which imports the real module when something of it is asked for. That saves the
command 0.3 s and 25 MB.

A stand-in is in ``sys.modules`` for a moment, where every thread of the process can see it. So
:func:`later` does nothing until the process has called :func:`own_process`, as the command does
when it starts and no other thread is there. In a process of somebody else, ``import scnnbio``
replaces nothing.

``importlib.util.LazyLoader`` is for a module that is imported by its own name: the next ``import``
of it by anybody loads it, and libraries are what import here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: Parts of numpy that code which takes all of its names imports, and hardly any code uses.
NUMPYS = ("numpy.f2py", "numpy.ma", "numpy.polynomial", "numpy.testing")

_SWAPPING = threading.Lock()

_process_is_ours = False


def own_process() -> None:
    """Allow stand-ins in this process, and import PyNN and scipy with them.

    PyNN imports neo, with all that neo reads files by, and csa where that is installed, with
    matplotlib's pyplot, for classes that are not used here; quantities, for recordings of its own;
    and scipy's sparse matrices, for an array that may be one. scipy's filters import its special
    functions, to rotate pictures, and all that numpy has, to support libraries that are like numpy.
    """
    global _process_is_ours  # noqa: PLW0603 (a process belongs to the command or not, as a whole)
    _process_is_ours = True
    with later("neo", "csa", "quantities", "scipy.sparse", "scipy.special", *NUMPYS):
        importlib.import_module("pyNN.connectors")
        importlib.import_module("pyNN.common")
        importlib.import_module("scipy.ndimage")


class Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        with _SWAPPING:  # two threads may ask at once
            if sys.modules.get(self.__name__) is self:  # asked already by who imports it
                del sys.modules[self.__name__]
        real = importlib.import_module(self.__name__)
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


@contextlib.contextmanager
def later(*names: str, hollow: tuple[str, ...] = ()) -> Iterator[None]:
    """Give stand-ins to everybody who imports these meanwhile, if this process allows them.

    Parameters
    ----------
    *names : str
        Modules. One that is imported already, or is not installed, is left alone.
    hollow : tuple of str
        Packages too, whose modules may be imported meanwhile without the package itself.
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
    """Where a module's own modules are; None if it is not installed."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # nor is what it is in
        return None
    return None if spec is None else list(spec.submodule_search_locations or ())


def _forget(name: str, stand_in: Later) -> None:
    """Let the next import find the module itself, and its modules with it."""
    del sys.modules[name]
    for inner in [other for other in sys.modules if other.startswith(f"{name}.")]:
        del sys.modules[inner]
    parent, _, child = name.rpartition(".")
    # Where a package finds its modules when they are asked for, as numpy does, it is to do so.
    # Elsewhere who wrote ``import a.b`` counts on ``a.b``.
    names = vars(sys.modules[parent]) if parent else {}
    if "__getattr__" in names and names.get(child) is stand_in:
        del names[child]
