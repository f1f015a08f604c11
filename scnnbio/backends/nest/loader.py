"""Importing NEST, late and silently."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from types import ModuleType

from scnnbio.errors import BackendMissing, install

#: What every message about a missing part says to do.
INSTALL = install("nest")

# A banner is no result; and OpenMP's threads would spin while Python works.
_ENVIRONMENT = {"PYNEST_QUIET": "1", "OMP_WAIT_POLICY": "passive"}

_LOADING = threading.RLock()
#: The thread that NEST works in.
_HOME = [threading.main_thread()]


def load_nest() -> ModuleType:
    """NEST, imported when it is first needed.

    Returns
    -------
    module

    Raises
    ------
    BackendMissing
        If it is not installed, or does not load.
    """
    with _LOADING:
        if "nest" in sys.modules:
            # Which another thread may be importing: this waits for it.
            return importlib.import_module("nest")
        found = _load()
        _HOME[:] = [threading.current_thread()]
        return found


def foreign_thread() -> str:
    """Why this thread cannot use NEST; empty if it can.

    NEST works in the thread that imported it, and takes the process with it where any other one
    only asks it for a number. Where it was imported before scnnbio needed it, that is taken to be
    the main thread.
    """
    (home,) = _HOME
    if threading.current_thread() is home:
        return ""
    return (
        f"NEST works in one thread of a process, the one that imported it ({home.name}), and this"
        f" is {threading.current_thread().name}"
    )


def _load() -> ModuleType:
    try:
        with _surroundings():
            return importlib.import_module("nest")
    except ModuleNotFoundError as error:
        if error.name != "nest":
            raise
        raise BackendMissing(f"NEST is not installed: {INSTALL}", where="backend 'nest'") from None
    except ImportError as error:
        raise BackendMissing(
            f"NEST does not load ({' '.join(str(error).split())[:200]}); install its wheel anew:"
            " pip install --force-reinstall nest-simulator",
            where="backend 'nest'",
        ) from error


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """What NEST reads while it is imported: the environment, and the words of the command line."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    words = sys.argv
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    sys.argv = words[:1] or [""]
    try:
        yield
    finally:
        sys.argv = words
        for name, old in before.items():
            if old is None:
                del os.environ[name]
            else:
                os.environ[name] = old
