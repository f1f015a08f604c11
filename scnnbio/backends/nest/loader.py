"""Import of NEST when it is first needed, without output."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from types import ModuleType

from scnnbio._libraries import bind_nest_to_its_own, flags_kept
from scnnbio.errors import BackendMissing, install

#: Command in messages about missing packages.
INSTALL = install("nest")

# No banner on standard output; and OpenMP threads must not spin while Python works.
_ENVIRONMENT = {"PYNEST_QUIET": "1", "OMP_WAIT_POLICY": "passive"}

_LOADING = threading.RLock()
#: The thread that imported NEST.
_HOME = [threading.main_thread()]


def load_nest() -> ModuleType:
    """Import NEST.

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
            # Another thread may be importing it: this waits for the end of the import.
            return importlib.import_module("nest")
        found = _load()
        _HOME[:] = [threading.current_thread()]
        return found


def foreign_thread() -> str:
    """Why this thread cannot use NEST; empty if it can.

    NEST works only in the thread that imported it; a call from any other thread crashes the
    process. If NEST was imported before scnnbio needed it, that thread is assumed to be the main
    thread.
    """
    (home,) = _HOME
    if threading.current_thread() is home:
        return ""
    return (
        f"NEST works only in the thread that imported it ({home.name}), but this is"
        f" {threading.current_thread().name}"
    )


def _load() -> ModuleType:
    try:
        with _import_environment(), flags_kept():
            bind_nest_to_its_own()
            return importlib.import_module("nest")
    except ModuleNotFoundError as error:
        if error.name != "nest":
            raise
        raise BackendMissing(f"NEST is not installed: {INSTALL}", where="backend 'nest'") from None
    except (ImportError, OSError) as error:
        raise BackendMissing(
            f"NEST does not load ({' '.join(str(error).split())[:200]}); install its wheel again:"
            " pip install --force-reinstall nest-simulator",
            where="backend 'nest'",
        ) from error


@contextlib.contextmanager
def _import_environment() -> Iterator[None]:
    """Environment variables and command line for the import of NEST, which reads both."""
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
