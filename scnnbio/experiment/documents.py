"""Values from the tables of a TOML document and back, with the path in every error."""

from __future__ import annotations

import codecs
import dataclasses
import re
import reprlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tomli_w

from scnnbio.errors import DataError, SpecError, hint, unwritable
from scnnbio.files import write_atomically
from scnnbio.registry import Registry

T = TypeVar("T")
_ROW = re.compile(r"\[\d+\]$")
#: Byte-order marks, which editors put before a text. Longer ones begin with shorter ones.
_MARKS = {
    codecs.BOM_UTF8: "begins with a byte-order mark (BOM)",
    codecs.BOM_UTF32_LE: "is UTF-32 text with a byte-order mark",
    codecs.BOM_UTF32_BE: "is UTF-32 text with a byte-order mark",
    codecs.BOM_UTF16_LE: "is UTF-16 text with a byte-order mark",
    codecs.BOM_UTF16_BE: "is UTF-16 text with a byte-order mark",
}
Table = dict[str, Any]


def read(path: Path) -> Table:
    """Read a TOML file.

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If it is empty, no UTF-8, or no TOML; the message says in which line.
    """
    return parse(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """The content of a file, or a DataError that names it."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a name may hold what no name can
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=str(path)) from None


def parse(content: bytes, path: Path) -> Table:
    """The document in the content of a TOML file; see :func:`read`."""
    try:
        table = tomllib.loads(_text(content, path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError(f"is not TOML: {error}", where=str(path)) from None
    if not table:
        raise SpecError("is empty: nothing is described in it", where=str(path))
    return table


def _text(content: bytes, path: Path) -> str:
    """A document's text, which is UTF-8; what else it may be is named."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise SpecError(f"{name}; save it as UTF-8 without one", where=str(path))
    if b"\0" in content:
        # Without a mark, every other byte of UTF-16 is zero where the text is ASCII.
        zeros = max(content[0::2].count(0), content[1::2].count(0))
        what = "UTF-16 text" if 2 * zeros >= 0.8 * len(content) else "no text: it holds zero bytes"
        raise SpecError(f"is {what}; save it as UTF-8", where=str(path))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SpecError(
            f"is not UTF-8 text: byte {content[error.start]:#x} in line {line}; save it as UTF-8",
            where=str(path),
        ) from None


def write(table: Table, path: Path) -> None:
    """Write a TOML file; an error if the place cannot be written."""
    try:
        write_atomically(tomli_w.dumps(plain_value(table)).encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file, and the folder that it is in; an error if the place cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(content, path)
    except OSError as error:
        raise unwritable(error, path) from None


def join(where: str, key: str) -> str:
    """Path of ``key`` below ``where``."""
    return f"{where}.{key}" if where and key else where or key


def check_keys(table: Any, allowed: Iterable[str], where: str) -> None:
    """Refuse what is no table, and keys that mean nothing here."""
    known = list(allowed)
    for key in as_table(table, where):
        if key not in known:
            raise SpecError(
                f"unknown key {key!r}; {hint(str(key), known)}", where=where or "document"
            )


def choose(kinds: Mapping[str, T], name: Any, what: str, where: str) -> T:
    """The one of that name, or an error that says what there is."""
    if not isinstance(name, str) or name not in kinds:
        raise SpecError(
            f"there is no {what} {reprlib.repr(name)}; {hint(str(name), kinds)}", where=where
        )
    return kinds[name]


def as_table(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which has to be a table."""
    if not isinstance(value, Mapping):
        raise SpecError(f"{reprlib.repr(value)} is not a table", where=where or "document")
    return value


def as_list(value: Any, where: str) -> list[Any] | tuple[Any, ...]:
    """The value, which has to be a list."""
    if not isinstance(value, list | tuple):
        raise SpecError(f"{reprlib.repr(value)} is not a list", where=where or "document")
    return value


def as_text(value: Any, where: str) -> str:
    """The value, which has to be text."""
    if not isinstance(value, str):
        raise SpecError(f"{reprlib.repr(value)} is not text", where=where or "document")
    return value


def require(table: Any, key: str, where: str) -> Any:
    """Value of a key that must be there."""
    if key not in as_table(table, where):
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
        reader = (readers or {}).get(key) or _READERS.get(str(fields[key].type), _frozen)
        values[key] = reader(value, join(where, key))
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
    except (TypeError, ValueError, ArithmeticError) as error:
        raise SpecError(f"a value has the wrong kind: {error}", where=where) from None


def continued(where: str, inner: str) -> str:
    """Path of ``inner`` below ``where``, where values may name some of the way themselves.

    Examples
    --------
    >>> continued("stages.learn.encoding.lgn", "encoding.lgn.c50")
    'stages.learn.encoding.lgn.c50'
    >>> continued("network.populations[1]", "population 'v1'.shape")
    'network.populations[1].shape'
    """
    outer, parts = where.split("."), inner.split(".") if inner else []
    # Built in Python, a population is known by its name; in a document, by its place in a list.
    if parts and _ROW.sub("", outer[-1]) == parts[0].split(" ")[0] + "s":
        parts = parts[1:]
    for shared in range(len(parts), 0, -1):
        if outer[-shared:] == parts[:shared]:
            return ".".join(outer + parts[shared:])
    return ".".join(filter(None, [*outer, *parts]))


def _frozen(value: Any, where: str = "") -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def _as_bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"{reprlib.repr(value)} is not true or false", where=where)
    return value


#: By the type of a dataclass's field, as it is written.
_READERS: dict[str, Callable[[Any, str], Any]] = {
    "str": as_text,
    "str | None": as_text,
    "bool": _as_bool,
}


def by_kind(kinds: Mapping[str, type[T]]) -> Callable[[Any, str], T]:
    """Reader of a table whose ``kind`` says which dataclass it holds."""

    def read_one(table: Any, where: str) -> T:
        kind = choose(kinds, require(table, "kind", where), "kind", join(where, "kind"))
        return build(kind, {key: value for key, value in table.items() if key != "kind"}, where)

    return read_one


def kind_of(kinds: Registry[type[T]], value: T) -> str:
    """The name of a value's class in a document.

    Raises
    ------
    SpecError
        If no installed package gives the class a name.
    """
    kind = kinds.name_of(type(value))
    if kind is None:
        raise SpecError(
            f"a {type(value).__name__} has no form in a document; name its class by an entry point"
            f" in {kinds.group!r}"
        )
    return kind


def kind_table(kinds: Registry[type[T]], value: T) -> Table:
    """A value as a table whose ``kind`` says which class it is of; errors as :func:`kind_of`."""
    kind = kind_of(kinds, value)
    # Where the kind is a field, it keeps its place.
    return {**plain_table(value), "kind": kind}


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
    *parents, last = as_text(path, "options").split(".")
    if not all([*parents, last]):
        raise SpecError(f"{path!r} is not a path; write table.key", where="--set")
    here = table
    for depth, key in enumerate(parents):
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise SpecError("is not a table", where=".".join(parents[: depth + 1]))
    here[last] = value


def setting(text: str) -> tuple[str, Any]:
    """Key and value of a ``key=value``: TOML, or text where the value is not TOML.

    Raises
    ------
    SpecError
        If it is not of that form.

    Examples
    --------
    >>> setting("backend.threads=2")
    ('backend.threads', 2)
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SpecError(f"{text!r} is not a setting; write key=value", where="--set")
    try:
        table = tomllib.loads(f"value = {value}")
    except (tomllib.TOMLDecodeError, RecursionError):
        table = {}
    # A value with line ends could bring further keys along.
    return key.strip(), table["value"] if list(table) == ["value"] else value.strip()
