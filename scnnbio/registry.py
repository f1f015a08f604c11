"""Registries of everything that is chosen by name, from scnnbio and from installed packages.

There is one :class:`Registry` per kind of thing: backends, neuron models, stimuli and so on. An
entry is a name and the place to import it from, so that listing names imports nothing. The name is
the same on the command line, in a document and in Python. A package adds entries to a registry by
entry points in the registry's group::

    [project.entry-points."scnnbio.stimuli"]
    rings = "my_package.stimuli:Rings"

Only installed entry points are imported: a document holds names, never places.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import inspect
import re
import reprlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint
from typing import Any, Generic, TypeVar

from scnnbio.errors import DataError, FilesSkipped, ScnnbioError, SpecError, hint

T = TypeVar("T")

_OURS = "scnnbio"
#: Other characters separate names on the command line and in paths into a document.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

#: Gets a name and the object of its entry; returns what is wrong with it, empty if nothing.
Check = Callable[[str, Any], str]


@dataclass(frozen=True)
class Entry:
    """A name in a registry, with the place of the object that it names.

    Parameters
    ----------
    name : str
    place : str
        ``"module:attribute"``.
    group : str
        Group of entry points.
    package : str
        Installed package that gives the entry, with its version; ``"scnnbio"`` for scnnbio's own.
    """

    name: str
    place: str
    group: str
    package: str = _OURS

    @property
    def ours(self) -> bool:
        """Whether scnnbio itself gives the entry."""
        return self.package == _OURS

    @property
    def module(self) -> str:
        """The module that the entry is imported from."""
        return self.place.partition(":")[0].strip()

    def __str__(self) -> str:
        return f"package {self.package}, entry point {self.name!r} of {self.group!r}"

    def load(self) -> Any:
        """Import the object that the entry names."""
        point = EntryPoint(self.name, self.place, self.group)
        if not point.pattern.match(self.place):
            raise ValueError("it is not written module:attribute")
        return point.load()


class Registry(Mapping[str, T], Generic[T]):
    """Objects of one kind by name, each imported when it is first used.

    Names come without an import, from iteration, ``in`` and :meth:`entries`. A broken package
    raises an error only where one of its entries is used; so use :meth:`values` and :meth:`items`
    only where all entries are needed.

    Parameters
    ----------
    what : str
        The kind, as in error messages: ``"backend"``.
    group : str
        Group of entry points, ``"scnnbio.<kinds>"``.
    own : mapping of str to str, or a function that gives one
        scnnbio's own entries: name → ``"module:attribute"``.
    check : callable
        ``check(name, thing)`` returns what is wrong with an object, as :func:`subclasses` and
        :func:`instances` do.
    error : type, optional
        Class of the error for an entry that cannot be used.
    load : callable, optional
        Returns the object of an entry, instead of importing the attribute.

    Examples
    --------
    >>> codes = Registry("number", "scnnbio.numbers", {"pi": "math:pi"}, instances(float))
    >>> list(codes), codes["pi"]
    (['pi'], 3.141592653589793)
    """

    def __init__(
        self,
        what: str,
        group: str,
        own: Mapping[str, str] | Callable[[], Mapping[str, str]],
        check: Check,
        error: type[ScnnbioError] = DataError,
        load: Callable[[Entry], Any] = Entry.load,
    ) -> None:
        self.what = what
        self.group = group
        self._own = own
        self._check = check
        self._error = error
        self._get = load
        self._loaded: dict[Entry, T] = {}

    @functools.cached_property
    def own(self) -> dict[str, str]:
        """Scnnbio's own entries: name → place."""
        return dict(self._own() if callable(self._own) else self._own)

    def __repr__(self) -> str:
        return f"<{self.what}: {', '.join(self)}>"

    # By identity: contents would have to be imported to be compared.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(entry.name for entry in self.entries()))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self.own or any(entry.name == name for entry in self.entries())

    def __getitem__(self, name: str) -> T:
        """The object of a name.

        Raises
        ------
        KeyError
            If there is no such name.
        DataError
            Or another error of scnnbio, if the entry cannot be imported, is of the wrong kind, or
            the name is given twice.
        """
        found = [entry for entry in self.entries() if entry.name == name]
        if not found:
            raise KeyError(name)
        if len(found) > 1:
            places = " and ".join(f"{entry} ({entry.place})" for entry in found)
            raise self._error(
                f"the name is given twice: {places}; uninstall one of the packages, or rename one"
                " of the entry points",
                where=f"{self.what} {name!r}",
            )
        return self._load(found[0])

    def choose(self, name: object, where: str = "") -> T:
        """The object of a name that a user gave.

        Parameters
        ----------
        name : str
        where : str, optional
            Path into the document, for the error.

        Raises
        ------
        SpecError
            If there is no such name.
        DataError
            Or another error of scnnbio, as for ``registry[name]``.
        """
        if not isinstance(name, str) or name not in self:
            raise SpecError(
                f"there is no {self.what} {reprlib.repr(name)}; {hint(str(name), self)}",
                where=where,
            )
        return self[name]

    def entries(self) -> tuple[Entry, ...]:
        """Every entry: scnnbio's own first, then those of installed packages, by package."""
        own = [Entry(name, place, self.group) for name, place in self.own.items()]
        return (*own, *_installed(tuple(sys.path)).get(self.group, ()))

    def ours(self, name: str) -> T:
        """The object that scnnbio itself has under a name; a KeyError if there is none."""
        return self._load(Entry(name, self.own[name], self.group))

    def fault(self, name: str) -> str:
        """Why a name cannot be used; empty if it can. This imports the object."""
        try:
            self[name]
        except self._error as error:
            return str(error)
        return ""

    def name_of(self, thing: object) -> str | None:
        """The name of a class or a value; None if no entry gives it.

        Imports only from the package of the class.
        """
        cls = thing if isinstance(thing, type) else type(thing)
        root = cls.__module__.partition(".")[0]
        for entry in self.entries():
            if entry.module.partition(".")[0] != root and entry.module not in sys.modules:
                continue
            with contextlib.suppress(self._error):
                if self._load(entry) is thing:
                    break
        else:
            return None
        _ = self[entry.name]  # raises if the name is given twice
        return entry.name

    def _load(self, entry: Entry) -> T:
        if entry not in self._loaded:
            try:
                found = self._get(entry)
            except Exception as error:
                # An error in scnnbio itself is a bug; a missing package is for the user to install.
                if entry.ours and not isinstance(error, ModuleNotFoundError):
                    raise
                raise self._unusable(entry, _why(error)) from error
            if not _NAME.fullmatch(entry.name):
                wrong = "a name is made of letters, digits, '-' and '_'"
            else:
                wrong = self._check(entry.name, found)
            if wrong:
                raise self._unusable(entry, wrong)
            self._loaded[entry] = found
        return self._loaded[entry]

    def _unusable(self, entry: Entry, why: str) -> ScnnbioError:
        if entry.ours:
            return self._error(f"{why}; install it with pip", where=f"{self.what} {entry.name!r}")
        return self._error(
            f"{entry} ({entry.place}) cannot be used: {why}; update or uninstall the package",
            where=f"{self.what} {entry.name!r}",
        )


def named(entry: Entry) -> Any:
    """The object of an entry; of a tuple, the element whose ``name`` is the entry's.

    So a module may list several objects in one tuple, each with its own entry.
    """
    found = entry.load()
    if not isinstance(found, tuple):
        return found
    for one in found:
        if getattr(one, "name", None) == entry.name:
            return one
    raise LookupError(f"nothing in it is named {entry.name!r}")


def subclasses(base: type, name: str = "", *, described: bool = False) -> Check:
    """A check for entries that are classes, none of them abstract.

    Parameters
    ----------
    base : type
    name : str, optional
        Attribute of the class that has to hold the name of the entry.
    described : bool
        Whether it has to be a dataclass, whose fields are keys of a table in a document.
    """

    def check(entry: str, found: Any) -> str:
        if not isinstance(found, type) or not issubclass(found, base):
            return f"{reprlib.repr(found)} is not a subclass of {base.__name__}"
        if inspect.isabstract(found):
            lacking = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
            return f"{found.__name__} is abstract: it does not define {lacking}"
        if described and "__dataclass_fields__" not in vars(found):
            return f"{found.__name__} is not a dataclass"
        return _other_name(entry, found, name)

    return check


def instances(base: type, name: str = "") -> Check:
    """A check for entries that are values of a class.

    Parameters
    ----------
    base : type
    name : str, optional
        Attribute of the value that has to hold the name of the entry.
    """

    def check(entry: str, found: Any) -> str:
        if not isinstance(found, base):
            return f"{reprlib.repr(found)} is not a {base.__name__}"
        return _other_name(entry, found, name)

    return check


def functions(entry: str, found: Any) -> str:
    """A check for entries that are called."""
    return "" if callable(found) else f"{reprlib.repr(found)} cannot be called"


def _other_name(entry: str, found: Any, attribute: str) -> str:
    """What is wrong if the object has another name than its entry; empty if nothing."""
    own = getattr(found, attribute, None) if attribute else entry
    if own == entry:
        return ""
    return f"its {attribute!r} is {own!r}, and has to be the entry point's name {entry!r}"


def _why(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    return f"{type(error).__name__}: {error}"


def extensions() -> dict[str, str]:
    """Packages that add entries: module, without what is in it → package with its version."""
    entries = (entry for group in _installed(tuple(sys.path)).values() for entry in group)
    return {entry.module.partition(".")[0]: entry.package for entry in entries if not entry.ours}


@functools.lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> Mapping[str, Sequence[Entry]]:
    """Entries of the packages on the path, by group; read once per path."""
    packages = {
        _name(distribution)
        for distribution in importlib.metadata.distributions(path=list(path))
        if _points(distribution)
    }
    found: dict[str, list[Entry]] = {}
    for name in sorted(packages):
        # Of two installations on the path, the first one is imported.
        first = next(iter(importlib.metadata.distributions(name=name, path=list(path))))
        package = _OURS if name == _OURS else f"{name} {first.version}"
        for point in _points(first):
            entry = Entry(point.name, point.value, point.group, package)
            found.setdefault(point.group, []).append(entry)
    return found


def _points(distribution: Distribution) -> list[EntryPoint]:
    """Entry points of a package in our groups."""
    try:
        points = [p for p in distribution.entry_points if p.group.startswith(f"{_OURS}.")]
        if points:
            _ = _name(distribution), distribution.version
    except Exception as error:  # the files of a damaged package may hold anything
        text = distribution.read_text("entry_points.txt") or ""
        if f"[{_OURS}." in text:
            warnings.warn(
                FilesSkipped(
                    f"a package is damaged, and its entries are left out ({error});"
                    f" its entry points are: {' '.join(text.split())[:200]}"
                ),
                stacklevel=2,
            )
        return []
    return points


def _name(distribution: Distribution) -> str:
    metadata = distribution.metadata
    # Python 3.12 warns where a key is absent.
    if "Name" not in metadata or not metadata["Name"]:
        raise ValueError("it has no name")
    return str(metadata["Name"])
