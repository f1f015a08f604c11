"""Imports that wait until somebody uses what is imported.

Libraries import more than a run needs. What they import while :func:`later` is in force they get
a stand-in for, which imports the real module when something of it is asked for. Nobody else sees
it: afterwards everybody imports that module as ever, before or after a stand-in has done so. A
thread that imports the module in that moment gets the stand-in too, which serves it as the module.

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

#: Parts of numpy that whoever takes all of its names imports, and hardly anybody uses.
NUMPYS = ("numpy.f2py", "numpy.ma", "numpy.polynomial", "numpy.testing")

_SWAPPING = threading.Lock()


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
    """Whoever imports these meanwhile gets stand-ins.

    Parameters
    ----------
    *names : str
        Modules. One that is imported already, or is not installed, is left alone.
    hollow : tuple of str
        Packages too, whose modules may be imported meanwhile without the package itself.
    """
    absent = {}
    for name in (*names, *hollow):
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
