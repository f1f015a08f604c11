"""Read values from the tables of a TOML document and write them, with the path in every error."""

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
from scnnbio.files import no_device, write_atomically
from scnnbio.registry import Registry

T = TypeVar("T")
_ROW = re.compile(r"\[\d+\]$")
#: Byte-order marks, which editors write before text; longer ones first, as they begin with shorter
#: ones.
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
        If it is empty, not UTF-8, or not TOML; the message names the line.
    """
    return parse(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """The content of a file, or a DataError that names it."""
    try:
        return no_device(path).read_bytes()
    except (
        OSError,
        ValueError,
    ) as error:  # ValueError: the name contains an invalid character, such as NUL
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=str(path)) from None


def parse(content: bytes, path: Path) -> Table:
    """The document in the content of a TOML file; see :func:`read`."""
    text = _text(content, path)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of thousands of digits
        raise SpecError(f"is not TOML: {error}", where=str(path)) from None
    if not table:
        raise SpecError("is empty; write a study into it", where=str(path))
    return table


def _text(content: bytes, path: Path) -> str:
    """Decode a document, which must be UTF-8; the error names other encodings."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise SpecError(f"{name}; save it as UTF-8 without one", where=str(path))
    if b"\0" in content:
        # UTF-16 without a mark: every second byte is zero where the text is ASCII.
        zeros = max(content[0::2].count(0), content[1::2].count(0))
        what = (
            "UTF-16 text" if 2 * zeros >= 0.8 * len(content) else "not text: it contains zero bytes"
        )
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
    """Write a TOML file; raises a DataError if it cannot be written."""
    try:
        write_atomically(tomli_w.dumps(plain_value(table)).encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file and create its folder; raises a DataError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(content, path)
    except OSError as error:
        raise unwritable(error, path) from None


def join(where: str, key: str) -> str:
    """Path of ``key`` below ``where``."""
    return f"{where}.{key}" if where and key else where or key


def check_keys(table: Any, allowed: Iterable[str], where: str) -> None:
    """Raise unless ``table`` is a mapping with allowed keys only."""
    known = list(allowed)
    for key in as_table(table, where):
        if key not in known:
            raise SpecError(
                f"unknown key {key!r}; {hint(str(key), known)}", where=where or "document"
            )


def choose(kinds: Mapping[str, T], name: Any, what: str, where: str) -> T:
    """Look up a name in ``kinds``, or raise an error that suggests known names."""
    if not isinstance(name, str) or name not in kinds:
        raise SpecError(
            f"there is no {what} {reprlib.repr(name)}; {hint(str(name), kinds)}", where=where
        )
    return kinds[name]


def as_table(value: Any, where: str) -> Mapping[str, Any]:
    """Return the value; raise unless it is a table."""
    if not isinstance(value, Mapping):
        raise SpecError(f"{reprlib.repr(value)} is not a table", where=where or "document")
    return value


def as_list(value: Any, where: str) -> list[Any] | tuple[Any, ...]:
    """Return the value; raise unless it is a list."""
    if not isinstance(value, list | tuple):
        raise SpecError(f"{reprlib.repr(value)} is not a list", where=where or "document")
    return value


def as_text(value: Any, where: str) -> str:
    """Return the value; raise unless it is text."""
    if not isinstance(value, str):
        raise SpecError(f"{reprlib.repr(value)} is not text", where=where or "document")
    return value


def require(table: Any, key: str, where: str) -> Any:
    """Value of a required key."""
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
    """Make a dataclass from a table.

    Parameters
    ----------
    cls : type
        The dataclass, which checks its own values.
    table : mapping
        Its fields, as in the document.
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
        If a key is unknown or missing, or a value is refused; the message names the path.
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
    """Call ``make``; prefix the location in its errors with the path."""
    try:
        return make(**values)
    except SpecError as error:
        raise SpecError(error.message, where=continued(where, error.where)) from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise SpecError(f"a value has the wrong kind: {error}", where=where) from None


def continued(where: str, inner: str) -> str:
    """Path of ``inner`` below ``where``, without the part that ``inner`` repeats.

    Examples
    --------
    >>> continued("stages.learn.encoding.lgn", "encoding.lgn.c50")
    'stages.learn.encoding.lgn.c50'
    >>> continued("network.populations[1]", "population 'v1'.shape")
    'network.populations[1].shape'
    """
    outer, parts = where.split("."), inner.split(".") if inner else []
    # Errors name a population by its name; a path in a document by its index in a list.
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


#: Readers by the type of a dataclass's field, as its annotation is written.
_READERS: dict[str, Callable[[Any, str], Any]] = {
    "str": as_text,
    "str | None": as_text,
    "bool": _as_bool,
}


def by_kind(
    kinds: Mapping[str, type[T]], readers: Mapping[str, Callable[[Any, str], Any]] | None = None
) -> Callable[[Any, str], T]:
    """Reader of a table whose ``kind`` selects the dataclass; readers are as in :func:`build`."""

    def read_one(table: Any, where: str) -> T:
        kind = choose(kinds, require(table, "kind", where), "kind", join(where, "kind"))
        rest = {key: value for key, value in table.items() if key != "kind"}
        return build(kind, rest, where, readers)

    return read_one


def kind_of(kinds: Registry[type[T]], value: T) -> str:
    """The name of a value's class in a document.

    Raises
    ------
    SpecError
        If no installed package registers the class.
    """
    kind = kinds.name_of(type(value))
    if kind is None:
        raise SpecError(
            f"a {type(value).__name__} cannot be written in a document; register its class by an"
            f" entry point"
            f" in {kinds.group!r}"
        )
    return kind


def kind_table(kinds: Registry[type[T]], value: T) -> Table:
    """Write a value as a table whose ``kind`` names its class; errors as :func:`kind_of`."""
    kind = kind_of(kinds, value)
    # Where the kind is a field, it keeps its position.
    return {**plain_table(value), "kind": kind}


def plain_table(value: Any, skip: Iterable[str] = ()) -> Table:
    """Fields of a dataclass as a table, without those at their default."""
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
    """Convert a value to types that TOML can hold."""
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
    """Set a value at a dotted path, creating tables as needed.

    Raises
    ------
    SpecError
        If the path passes through a value that is not a table.
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
    except (ValueError, RecursionError):
        table = {}
    # A value with line breaks could add further keys.
    return key.strip(), table["value"] if list(table) == ["value"] else value.strip()
