"""Values: immutable, equal by content, with one canonical form.

All descriptions in scnnbio are values. Two values are equal when they are of the same class and
their canonical forms are equal; hash and digest are computed from the same form. The form is a tree
of tables, lists, text, numbers and arrays. It holds every field of a value, also those at their
defaults, so that a changed default changes the digest. :func:`restored` makes a value from its
form, and :mod:`scnnbio.files` stores the form in a file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Self, TypeVar

import numpy as np

from scnnbio.errors import SpecError

#: Version of the canonical form; part of every digest.
VERSION = 1

#: Kinds of dtype that may hold NaN, or be compared with one that does.
_NUMBERS = frozenset("biufc")

#: Value classes by name: only these are made from a form.
_CLASSES: dict[str, type[Value]] = {}

K = TypeVar("K")
V = TypeVar("V")


class FrozenTable(Mapping[K, V]):
    """An immutable mapping that pickles, copies, compares and hashes by content.

    Parameters
    ----------
    content : mapping

    Examples
    --------
    >>> table = FrozenTable({"tau_m": 20.0})
    >>> table["tau_m"], table == {"tau_m": 20.0}
    (20.0, True)
    """

    __slots__ = ("_content",)
    _content: dict[K, V]

    def __init__(self, content: Mapping[K, V] | None = None) -> None:
        object.__setattr__(self, "_content", dict(content or {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed; make a new one")

    def __getitem__(self, key: K) -> V:
        return self._content[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __contains__(self, key: object) -> bool:
        return key in self._content

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if any(isinstance(value, np.ndarray) for value in (*self.values(), *other.values())):
            return same(canonical(self), canonical(other))
        return self._content == dict(other)

    def __hash__(self) -> int:
        return hash(frozenset(self._content))  # equal contents may differ in kind, as 1 and 1.0

    def __repr__(self) -> str:
        return repr(self._content)

    def __reduce__(self) -> tuple[type[FrozenTable[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self._content),)


class Value:
    """Base of dataclasses that pickle, copy, compare and hash by content.

    A subclass is a frozen dataclass, with ``eq=False`` where a field may hold an array. Cached
    properties are not copied, and arrays stay read-only in a copy. :func:`restored` makes only
    subclasses, by name.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        name = class_name(cls)
        earlier = _CLASSES.setdefault(name, cls)
        if earlier.__module__ != cls.__module__:
            raise TypeError(f"{earlier.__module__} already has a {name}; choose another name")
        _CLASSES[name] = cls

    @classmethod
    def from_canonical(cls, fields: Mapping[str, Any]) -> Self:
        """Make a value from the fields of its canonical form; inverse of ``canonical_fields()``."""
        return cls(**fields)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or same(canonical(self), canonical(other))

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """Hexadecimal SHA-256 of the canonical form: the value's identity."""
        return digest_of(self)

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, _read_only(value))


def fields_of(value: Any) -> dict[str, Any]:
    """Content of each field of a dataclass, in order; not copied."""
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}


def _read_only(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, Mapping):
        for item in value.values():
            _read_only(item)
    return value


def canonical(value: Any) -> Any:
    """The canonical form of a value.

    Parameters
    ----------
    value : object
        A dataclass, mapping, sequence, set, array, text, number, path or None. A class may
        define ``canonical_fields()`` where its fields are not its content.

    Returns
    -------
    dict, list, ndarray, str, int, float, bool or None
        A dataclass becomes a table whose key ``class`` names it.

    Raises
    ------
    TypeError
        If something in it has no canonical form.
    """
    if value is None or isinstance(value, bool):
        return value
    # Subclasses, such as numpy's numbers and marked text, have the form of the plain type.
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        table = {str(key): canonical(item) for key, item in value.items()}
        # A table with a key "class" must not be mistaken for a value.
        return (
            {"class": "table", "content": [[key, item] for key, item in table.items()]}
            if "class" in table
            else table
        )
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, set | frozenset):
        return [canonical(item) for item in sorted(value)]
    if isinstance(value, bytes):
        return {"class": "bytes", "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, type) or callable(value):
        return {"class": "name", "name": class_name(value)}
    content = getattr(value, "canonical_fields", None)
    if content is None and not dataclasses.is_dataclass(value):
        raise TypeError(f"a {type(value).__name__} has no canonical form")
    fields = fields_of(value) if content is None else content()
    return {"class": class_name(type(value))} | {k: canonical(v) for k, v in fields.items()}


def restored(form: Any) -> Any:
    """Make a value from its canonical form.

    Parameters
    ----------
    form : dict, list, ndarray, str, int, float, bool or None
        As :func:`canonical` gives it.

    Returns
    -------
    object
        Equal to the value that the form was made from. A list that is a field of a class becomes a
        tuple. Arrays are not copied.

    Raises
    ------
    SpecError
        If a class is unknown, or its constructor refuses the form's fields. Only subclasses of
        :class:`Value` that are already imported are known: this function imports nothing, and
        calls only their constructors.
    """
    if isinstance(form, list):
        return [restored(item) for item in form]
    if not isinstance(form, dict):
        return form
    if "class" not in form:
        return {key: restored(item) for key, item in form.items()}
    name = form["class"]
    try:
        if name == "table":
            return {key: restored(item) for key, item in form["content"]}
        return _class_named(name).from_canonical(
            {key: _field(item) for key, item in form.items() if key != "class"}
        )
    except SpecError:
        raise
    except (TypeError, KeyError, ValueError, ArithmeticError, AttributeError) as error:
        raise SpecError(f"does not describe a {name}: {error}") from None


def _class_named(name: Any) -> type[Value]:
    known = _CLASSES.get(name) if isinstance(name, str) else None
    if known is None:
        raise SpecError(
            f"{name!r} is not the name of an imported scnnbio value class; if it is your own class,"
            " import its module first"
        )
    return known


def _field(form: Any) -> Any:
    """A field of a class; lists become tuples."""
    return tuple(map(_field, form)) if isinstance(form, list) else restored(form)


def class_name(cls: Any) -> str:
    """Name of a class or function; without its module if in scnnbio, so that code may move."""
    module, name = cls.__module__, cls.__qualname__
    return str(name) if module.partition(".")[0] == "scnnbio" else f"{module}.{name}"


def same(one: Any, other: Any, *, kinds: bool = True) -> bool:
    """Whether two trees of tables, lists, arrays and numbers are the same; NaN equals NaN.

    Parameters
    ----------
    one, other : object
        Canonical forms, or other trees.
    kinds : bool
        Whether values have to be of one kind too: arrays of one dtype, and 1 is not 1.0.
    """
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(other, np.ndarray)
            and (one.dtype == other.dtype or not kinds)
            and one.shape == other.shape
            and bool(
                np.array_equal(one, other, equal_nan={one.dtype.kind, other.dtype.kind} <= _NUMBERS)
            )
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key], kinds=kinds) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(mine, theirs, kinds=kinds) for mine, theirs in zip(one, other, strict=True)
        )
    if kinds and type(one) is not type(other):
        return False
    return bool(one == other) or (one != one and other != other)


def digest_of(value: Any, *, exact: bool = False) -> str:
    """Hexadecimal SHA-256 of a value's canonical form, the same on every machine.

    Parameters
    ----------
    value : object
    exact : bool
        Tell 0.0 from -0.0, and one NaN from another, which are equal otherwise.
    """
    found = hashlib.sha256(f"scnnbio {VERSION}\n".encode())
    for part in _bytes(canonical(value), exact):
        found.update(part)
    return found.hexdigest()


def _bytes(tree: Any, exact: bool) -> Iterator[bytes]:
    """The form as bytes; each part begins with its kind and length, so that none is ambiguous."""
    if isinstance(tree, dict):
        yield f"t{len(tree)};".encode()
        for key in sorted(tree):
            yield from _bytes(key, exact)
            yield from _bytes(tree[key], exact)
    elif isinstance(tree, list):
        yield f"l{len(tree)};".encode()
        for item in tree:
            yield from _bytes(item, exact)
    elif isinstance(tree, np.ndarray):
        yield from _array_bytes(tree, exact)
    elif isinstance(tree, float):
        if not exact:
            tree = tree + 0.0 if tree == tree else float("nan")
        yield b"f" + struct.pack("<d", tree)
    else:  # text, whole numbers, truth values, None
        text = str(tree).encode()
        kind = "s" if isinstance(tree, str) else "b" if isinstance(tree, bool) else "i"
        yield f"{'n' if tree is None else kind}{len(text)};".encode() + text


def _array_bytes(array: np.ndarray, exact: bool) -> Iterator[bytes]:
    if array.dtype.kind in "OV":
        raise TypeError(f"an array of {array.dtype} has no canonical form")
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if little.dtype.kind == "f" and not exact:
        little = little + 0.0  # -0.0 equals 0.0
    yield f"a{little.dtype.str}{array.shape};".encode()
    if little.size:
        yield little.reshape(-1).view(np.uint8).tobytes()
