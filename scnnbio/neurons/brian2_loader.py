"""Importing Brian2, late and safely."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from scnnbio._later import NUMPYS, Later, later

#: What pylab has from Python and not from numpy, and what Brian2 does not take from pylab.
_OF_PYTHON = ("abs", "bool", "bytes", "max", "min", "pow", "round")
_LEFT_OUT = ("f", "rate", "x")

#: Brian2 imports setuptools, which can download, and what its runtime target compiles with. Where
#: that keeps its files is asked at once.
_LATER, _HOLLOW = ("urllib.request",), ("Cython.Build",)


def load_brian2() -> ModuleType:
    """Brian2, imported when it is first needed, since that takes seconds.

    At import Brian2 runs a file named ``brian_preferences`` that it finds in the working folder.
    A folder with somebody's experiment must not be able to run code, so the import happens from
    scnnbio's own folder. The user's preferences in the home folder are still read.
    """
    if "brian2" in sys.modules:
        return sys.modules["brian2"]
    here = os.getcwd()
    hook, interrupted = sys.excepthook, signal.getsignal(signal.SIGINT)
    os.chdir(os.path.dirname(__file__))
    try:
        with _without_plotting(), later(*_LATER, hollow=_HOLLOW):
            return importlib.import_module("brian2")
    finally:
        os.chdir(here)
        if interrupted in (signal.SIG_IGN, signal.SIG_DFL):
            # In the background of a shell, say; Brian2 would call it as if it were a function.
            signal.signal(signal.SIGINT, interrupted)
        # Brian2 puts a banner and a copy of the user's script in the way of every error.
        sys.excepthook = hook


@contextlib.contextmanager
def _without_plotting() -> Iterator[None]:
    """Import Brian2 as where there is no matplotlib, whose names it makes its own, and numpy's.

    They are added when somebody asks Brian2 for one, or for all of them, as ``import *`` does.
    """
    if "matplotlib" in sys.modules:
        yield
        return
    absent = dict.fromkeys(("matplotlib", "pylab"))
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        with later(*NUMPYS):
            yield
    finally:
        for name in absent:
            del sys.modules[name]
    names = vars(sys.modules["brian2"])
    for name in [name for name, value in names.items() if isinstance(value, Later)]:
        del names[name]
    # Numpy's do not stand in the way of Python's own where pylab is there.
    names.update((name, getattr(builtins, name)) for name in _OF_PYTHON)
    names["__getattr__"] = _with_plotting


def _with_plotting(name: str) -> Any:
    """Attribute of Brian2 that it does not have so far."""
    names = vars(sys.modules["brian2"])
    # Not what Python itself looks for, but for the one that ``import *`` goes by.
    if name == "__all__" or not name.startswith("_"):
        names.pop("__getattr__", None)
        for key, value in vars(importlib.import_module("pylab")).items():
            if not key.startswith("_") and key not in _LEFT_OUT:
                names.setdefault(key, value)
        if name in names:
            return names[name]
    raise AttributeError(f"module 'brian2' has no attribute {name!r}")
