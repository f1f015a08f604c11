"""The fields of any described value, with their units, for stimuli, inputs and rules of any kind.

A class declares the unit of a field in its annotation (:class:`scnnbio.units.In`). So classes of
other packages are described as those of scnnbio are.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import reprlib
import typing
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from scnnbio.description.cells import MOST_LISTED, Line, extent, line, listed, quantity
from scnnbio.units import In

#: Markup of docstrings around the words that it marks.
_MARKUP = re.compile(r":[a-z:]+:`~?(?:[\w.]*\.)?([^`]*)`|`{1,2}([^`]+)`{1,2}")
#: Fields that say nothing about a model: its kind is said in words.
_UNTOLD = ("kind", "files")
#: A field of a value: its path, and what it holds.
Field = tuple[str, Line]


def said_of(value: object) -> str:
    """What a class says of itself: the first sentence of its docstring."""
    text = (inspect.getdoc(type(value)) or "").partition("\n\n")[0]
    text = _MARKUP.sub(lambda found: found[1] or found[2], " ".join(text.split()))
    # A colon comes before a list or a formula that is left out.
    return text.rstrip(":. ")


def fields(value: object, skip: tuple[str, ...] = ()) -> list[Field]:
    """Every field of a described value that is set, those of values in it too.

    Parameters
    ----------
    value : object
        A dataclass, or a mapping.
    skip : tuple of str
        Fields that are left out.

    Returns
    -------
    list of (path, line)
        Names joined by dots, and numbers with units, text, or the extent of an array.
    """
    return [
        (path, content)
        for path, content in _fields(value, "", None)
        if path.partition(".")[0] not in skip and path.rpartition(".")[2] not in _UNTOLD
    ]


def _fields(value: object, path: str, unit: str | None) -> Iterator[Field]:
    inner = _inner(value)
    if inner is None:
        content = _content(value, unit)
        if content:
            yield path, content
        return
    cls: Any = type(value)
    units = _units(cls)
    if path and not isinstance(value, Mapping):
        yield path, line(said_of(value) or type(value).__name__)
    for name, item in inner.items():
        below = f"{path}.{name}" if path else str(name)
        yield from _fields(item, below, units.get(str(name), unit))


def _inner(value: object) -> dict[str, Any] | None:
    """Named parts of a value; None if it has none."""
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: getattr(value, f.name)
            for f in dataclasses.fields(value)
            if not f.name.startswith("_")
        }
    several = isinstance(value, list | tuple) and value
    if several and all(dataclasses.is_dataclass(item) for item in value):  # type: ignore[attr-defined]
        return {str(k): item for k, item in enumerate(value)}  # type: ignore[arg-type, var-annotated]
    return None


def _content(value: Any, unit: str | None) -> Line:
    """One value in words; nothing for None, which leaves something out."""
    if value is None:
        return ()
    if isinstance(value, bool | np.bool_):
        return line("yes" if value else "no")
    if isinstance(value, str | PurePath):
        return line(" ".join(str(value).split()) or "empty")
    if isinstance(value, int | float | np.number):
        whole = isinstance(value, int | np.integer)
        return quantity(int(value) if whole else float(value), unit or "1")
    if isinstance(value, list | tuple | np.ndarray):
        return _several(value, unit or "1")
    return line(reprlib.repr(value))


def _several(value: Any, unit: str) -> Line:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        parts = [np.ravel(np.asarray(item)) for item in value]
        joined = np.concatenate(parts)
        told = extent(joined, unit) if joined.dtype.kind in "iufb" else ()
        return line(f"{len(value)} lists ", *told)
    if not array.size:
        return line("none")
    if array.dtype.kind in "iufb":
        if array.ndim == 1 and array.size <= MOST_LISTED:
            return listed(array.astype(float), unit)
        return extent(array, unit)
    if array.size <= MOST_LISTED:
        return line(", ".join(map(str, array.ravel())))
    different = sorted(set(map(str, array.ravel())))
    if len(different) <= MOST_LISTED:
        return line(f"{array.size} values: {', '.join(different)}")
    return line(f"{array.size} values, {len(different)} different ones")


@functools.lru_cache(maxsize=256)
def _units(cls: type[Any]) -> dict[str, str | None]:
    """Declared units of the fields of a class."""
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):  # a name that is imported for checkers of types only
        return {}
    return {name: _declared(hint) for name, hint in hints.items()}


def _declared(hint: Any) -> str | None:
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, In):
            return mark.unit
    for part in typing.get_args(hint):
        found = _declared(part)
        if found is not None:
            return found
    return None
