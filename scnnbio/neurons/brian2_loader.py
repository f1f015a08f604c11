"""Import of Brian2 on first use, without its side effects."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from scnnbio._later import NUMPYS, Later, later

#: Names that pylab takes from Python instead of numpy, and names that Brian2 does not take from it.
_OF_PYTHON = ("abs", "bool", "bytes", "max", "min", "pow", "round")
_LEFT_OUT = ("f", "rate", "x")

#: Brian2 imports setuptools, which can download, and what its runtime target compiles with. Where
#: that keeps its files is asked at once.
_LATER, _HOLLOW = ("urllib.request",), ("Cython.Build",)
_PLOTTING = ("matplotlib", "pylab")
#: Name of Brian2's preferences file in the working folder.
_IN_WORKING_FOLDER = "brian_preferences"

# Again in the same thread, from what Brian2 imports.
_LOADING = threading.RLock()

_Change = Callable[[ModuleType], None]


def load_brian2() -> ModuleType:
    """Import Brian2 on first use, since that takes seconds.

    Any thread can be the first. These side effects of Brian2's import are prevented:

    - it runs a file named ``brian_preferences`` in the working folder, but a folder
      with an experiment must not be able to run code (the preferences in the home folder are read);
    - it handles the signal of Ctrl-C, which only the main thread can do;
    - it sends all warnings to its log, and puts a banner and a copy of the user's script in the way
      of every error.
    """
    with _LOADING:
        if "brian2" in sys.modules:
            # Which another thread may be importing: this waits for it.
            return importlib.import_module("brian2")
        without = () if "matplotlib" in sys.modules else _PLOTTING
        undo: list[Callable[[], None]] = []
        changes: dict[str, _Change] = {
            "brian2.core.preferences": lambda module: _leave_working_folder(module, undo),
            "brian2.utils.logger": _leave_hooks,
        }
        try:
            with (
                _importing(without, changes),
                later(*_LATER, *(NUMPYS if without else ()), hollow=_HOLLOW),
            ):
                brian2 = importlib.import_module("brian2")
        finally:
            for step in undo:
                step()
        if without:
            _offer_plotting(brian2)
        return brian2


class _Watcher(importlib.abc.MetaPathFinder):
    """Hides packages and changes modules, only for imports of the thread that created it.

    Imports of other threads are not affected.
    """

    def __init__(self, hidden: Sequence[str], changes: Mapping[str, _Change]) -> None:
        self._thread, self._hidden, self._changes = threading.get_ident(), hidden, changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a module that is changed; raise for a hidden one; None otherwise."""
        if threading.get_ident() != self._thread:
            return None
        if fullname.partition(".")[0] in self._hidden:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        if fullname not in self._changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Changing(spec.loader, self._changes[fullname])
        return spec


class _Changing(importlib.abc.Loader):
    """Loads a module and then changes it."""

    def __init__(self, loader: importlib.abc.Loader, change: _Change) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Delegate to the loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Delegate to the loader, then apply the change."""
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(module)


@contextlib.contextmanager
def _importing(hidden: Sequence[str], changes: Mapping[str, _Change]) -> Iterator[None]:
    watcher = _Watcher(hidden, changes)
    # A new list, since a thread that iterates over the old one could miss moved entries.
    sys.meta_path = [watcher, *sys.meta_path]
    try:
        yield
    finally:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not watcher]


def _leave_working_folder(preferences: ModuleType, undo: list[Callable[[], None]]) -> None:
    """Read no preferences of the working folder, and take no signal, while Brian2 is imported.

    The preferences are among the first modules of Brian2, and it takes the signal at the end of
    its own.
    """
    kind, names = preferences.BrianGlobalPreferences, vars(sys.modules["brian2"])
    read = kind.read_preference_file

    def read_at_home(self: Any, file: Any) -> None:
        if file != _IN_WORKING_FOLDER:
            read(self, file)

    kind.read_preference_file = read_at_home
    names["signal"] = SimpleNamespace(
        SIGINT=signal.SIGINT, getsignal=signal.getsignal, signal=lambda number, handler: None
    )

    def put_back() -> None:
        kind.read_preference_file = read
        names["signal"] = signal

    undo.append(put_back)


def _leave_hooks(logger: ModuleType) -> None:
    """Start Brian2's logging without its hooks for errors and warnings of the process."""
    initialize = logger.BrianLogger.initialize

    def begin() -> None:
        hook, shown = sys.excepthook, sys.modules["warnings"].showwarning
        initialize()
        sys.excepthook = hook
        if sys.modules["warnings"].showwarning is not shown:
            logging.captureWarnings(False)
        logging.getLogger("py.warnings").removeHandler(logger.BrianLogger.console_handler)

    logger.BrianLogger.initialize = staticmethod(begin)


def _offer_plotting(brian2: ModuleType) -> None:
    """Add names of matplotlib and numpy when one is looked up in Brian2.

    Or for all of them, as ``import *`` does. Brian2 was imported as where there is no matplotlib,
    whose names it makes its own.
    """
    names = vars(brian2)
    for name in [name for name, value in names.items() if isinstance(value, Later)]:
        del names[name]
    # Numpy's do not stand in the way of Python's own where pylab is there.
    names.update((name, getattr(builtins, name)) for name in _OF_PYTHON)
    names["__getattr__"] = _with_plotting


def _with_plotting(name: str) -> Any:
    """Look up an attribute that Brian2 does not have yet."""
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


def as_sympy(expression: str) -> Any:
    """An expression or a condition in Brian2's notation, which was checked before, for sympy."""
    load_brian2()
    from brian2.parsing.sympytools import str_to_sympy

    return str_to_sympy(expression)
