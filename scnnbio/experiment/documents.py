"""Values from the tables of a TOML document and back, with the path in every error."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tomli_w

from scnnbio.errors import DataError, SpecError

T = TypeVar("T")
Table = dict[str, Any]


def read(path: Path) -> Table:
    """Read a TOML file.

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If it is not TOML; the message says in which line.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"is not TOML: {error}", where=str(path)) from None


def write(table: Table, path: Path) -> None:
    """Write a TOML file; an error if the place cannot be written."""
    try:
        path.write_text(tomli_w.dumps(table), encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=str(path)) from None


def join(where: str, key: str) -> str:
    """Path of ``key`` below ``where``."""
    return f"{where}.{key}" if where and key else where or key


def check_keys(table: Any, allowed: Iterable[str], where: str) -> None:
    """Refuse what is no table, and keys that mean nothing here."""
    if not isinstance(table, Mapping):
        raise SpecError(f"{table!r} is not a table", where=where)
    known = list(allowed)
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise SpecError(f"unknown key {key!r}; {hint}", where=where or "document")


def require(table: Mapping[str, Any], key: str, where: str) -> Any:
    """Value of a key that must be there."""
    if key not in table:
        raise SpecError(f"{key!r} is missing", where=where or "document")
    return table[key]


def build(
    cls: Callable[..., T],
    table: Any,
    where: str,
    readers: Mapping[str, Callable[[Any, str], Any]] | None = None,
    **given: Any,
) -> T:
    """A dataclass from a table.

    Parameters
    ----------
    cls : type
        The dataclass; it checks its own values.
    table : mapping
        Its fields, as the document has them.
    where : str
        Path of the table.
    readers : mapping of str to callable, optional
        ``reader(value, where)`` for fields that are not plain values.
    **given
        Fields that do not come from the document.

    Returns
    -------
    instance of ``cls``

    Raises
    ------
    SpecError
        If a key is unknown or missing, or a value is refused; it names the path.
    """
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    check_keys(table, [name for name in fields if name not in given], where)
    values = dict(given)
    for key, value in table.items():
        reader = (readers or {}).get(key)
        values[key] = _frozen(value) if reader is None else reader(value, join(where, key))
    for name, item in fields.items():
        needed = item.default is item.default_factory is dataclasses.MISSING
        if needed and name not in values:
            raise SpecError(f"{name!r} is missing", where=where)
    return _located(where, cls, **values)


def _located(where: str, make: Callable[..., T], **values: Any) -> T:
    """Call ``make`` and put the path before the place that its error names."""
    try:
        return make(**values)
    except SpecError as error:
        raise SpecError(error.message, where=continued(where, error.where)) from None
    except TypeError as error:
        raise SpecError(f"a value has the wrong kind: {error}", where=where) from None


def continued(where: str, inner: str) -> str:
    """Path of ``inner`` below ``where``, where values may name some of the way themselves.

    Examples
    --------
    >>> continued("stages.learn.encoding.lgn", "encoding.lgn.c50")
    'stages.learn.encoding.lgn.c50'
    """
    outer, parts = where.split("."), inner.split(".") if inner else []
    for shared in range(len(parts), 0, -1):
        if outer[-shared:] == parts[:shared]:
            return ".".join(outer + parts[shared:])
    return ".".join(filter(None, [*outer, *parts]))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def by_kind(kinds: Mapping[str, type[T]]) -> Callable[[Any, str], T]:
    """Reader of a table whose ``kind`` says which dataclass it holds."""

    def read_one(table: Any, where: str) -> T:
        if not isinstance(table, Mapping):
            raise SpecError(f"{table!r} is not a table", where=where)
        kind = require(table, "kind", where)
        if kind not in kinds:
            raise SpecError(f"{kind!r} is none of {', '.join(kinds)}", where=join(where, "kind"))
        rest = {key: value for key, value in table.items() if key != "kind"}
        return build(kinds[kind], rest, where)

    return read_one


def plain_table(value: Any, skip: Iterable[str] = ()) -> Table:
    """Fields of a dataclass as a table, those at their default left out."""
    table: Table = {}
    for item in dataclasses.fields(value):
        content = getattr(value, item.name)
        if item.name in skip or content is None or not item.init:
            continue
        if item.name != "kind" and _is_default(item, content):
            continue
        table[item.name] = plain_value(content)
    return table


def _is_default(item: dataclasses.Field[Any], content: Any) -> bool:
    if item.default_factory is not dataclasses.MISSING:
        return bool(content == item.default_factory())
    return item.default is not dataclasses.MISSING and bool(content == item.default)


def plain_value(value: Any) -> Any:
    """A value as TOML can hold it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain_table(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): plain_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    return value


def set_path(table: Table, path: str, value: Any) -> None:
    """Set a value below a dotted path, making tables on the way.

    Raises
    ------
    SpecError
        If the path runs through something that is no table.
    """
    *parents, last = path.split(".")
    here = table
    for depth, key in enumerate(parents):
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise SpecError("is not a table", where=".".join(parents[: depth + 1]))
    here[last] = value
