"""Checks that all learning rules share."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from scnnbio.errors import SpecError
from scnnbio.units import plain


def inside(where: str, name: str) -> str:
    """Path of a field."""
    return f"{where}.{name}" if where else name


def make_plain(
    rule: object, where: str, unit: str, *names: str, optional: Iterable[str] = ()
) -> None:
    """Convert a rule's fields to plain numbers; raise for numbers that are not finite."""
    for name in (*names, *optional):
        value = getattr(rule, name)
        if value is not None or name in names:
            object.__setattr__(rule, name, plain(value, unit, where=inside(where, name)))


def whole(value: Any, least: int, where: str) -> int:
    """A whole number that is not too small."""
    try:
        count = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = least - 1
    if count < least:
        raise SpecError(f"{value!r} is not a whole number of at least {least}", where=where)
    return count


def check_positive(rule: object, where: str, unit: str, *names: str) -> None:
    """Raise for fields that are given but not above zero."""
    for name in names:
        value = getattr(rule, name)
        if value is not None and value <= 0:
            raise SpecError(
                f"{value} {unit}".rstrip() + " is not positive", where=inside(where, name)
            )


def check_choice(value: Any, choices: tuple[str, ...], where: str) -> None:
    """Raise unless the value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        *first, last = map(repr, choices)
        raise SpecError(f"{value!r} is not {', '.join(first)} or {last}", where=where)


def decay_factor(half_life: float | None, dt: float) -> float:
    """Factor on a learning rate per step of ``dt`` ms."""
    return 1.0 if half_life is None else 2.0 ** (-dt / half_life)
