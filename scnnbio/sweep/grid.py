"""The grid of a sweep: values by key, as ``key=value,value,...``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from scnnbio.errors import SpecError
from scnnbio.experiment.documents import setting


def grid_of(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Values by key, from ``key=value,value,...``.

    Raises
    ------
    SpecError
        If a text is not of that form, or a key comes twice.

    Examples
    --------
    >>> grid_of(["maps=8,16", "window=[1, 2],[3, 4]"])
    {'maps': [8, 16], 'window': [[1, 2], [3, 4]]}
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key or not values.strip():
            raise SpecError(f"{text!r} is not of the grid; write key=value,value", where="--grid")
        if key in found:
            raise SpecError(f"{key!r} comes twice; list all its values once", where="--grid")
        parts = _parts(values)
        if not all(parts):
            raise SpecError(f'{text!r} has an empty value; an empty text is ""', where="--grid")
        found[key] = [_plain(f"{key}={part}") for part in parts]
        if any(found[key].count(value) > 1 for value in found[key]):
            raise SpecError(f"a value of {key!r} comes twice; remove one", where="--grid")
    return found


def _plain(text: str) -> Any:
    """The value of a setting; tables, dates and infinite numbers are refused."""
    value = setting(text)[1]
    try:
        return checked(value)
    except (TypeError, ValueError):
        raise SpecError(
            f"{text!r} is not a number, a text, true, false or a list of these; set the keys of a"
            " table one by one",
            where="--grid",
        ) from None


def checked(value: Any) -> Any:
    """A value that a setting can hold; TypeError or ValueError for a table, a date or infinity."""
    if isinstance(value, dict):
        raise TypeError
    json.dumps(value, allow_nan=False)
    return value


def _parts(text: str) -> list[str]:
    """Text between commas that are in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]
