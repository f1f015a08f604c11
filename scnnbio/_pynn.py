"""Importing PyNN without what it would bring along; the package does so before anything else.

PyNN imports neo, with all that neo reads files by, and csa where that is installed, with
matplotlib's pyplot, for classes that are not used here. It gets stand-ins, which become the real
ones when somebody uses them through PyNN. Everybody else imports neo and csa as ever.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        real = importlib.import_module(self.__name__)
        self.__dict__.update(real.__dict__)
        return getattr(real, name)


@contextlib.contextmanager
def _later(*names: str) -> Iterator[None]:
    """Whoever imports these meanwhile gets stand-ins."""
    absent = [n for n in names if n not in sys.modules and importlib.util.find_spec(n) is not None]
    sys.modules.update((name, _Later(name)) for name in absent)
    try:
        yield
    finally:
        for name in absent:
            if isinstance(sys.modules[name], _Later):
                del sys.modules[name]


with _later("neo", "csa"):
    importlib.import_module("pyNN.connectors")
    importlib.import_module("pyNN.common")
