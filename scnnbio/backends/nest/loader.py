"""Importing NEST, late and silently."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

from scnnbio.errors import BackendMissing, install

#: What every message about a missing part says to do.
INSTALL = install("nest")

# A banner is no result; and OpenMP's threads would spin while Python works.
_ENVIRONMENT = {"PYNEST_QUIET": "1", "OMP_WAIT_POLICY": "passive"}


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
    if "nest" in sys.modules:
        return sys.modules["nest"]
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
