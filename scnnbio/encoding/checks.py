"""Checks that the parts of an encoding share."""

from __future__ import annotations

from typing import Any

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.units import plain


def set_numbers(value: Any, where: str, unit: str, *names: str, positive: bool = False) -> None:
    """Make fields of a frozen dataclass plain numbers, 0 or more, or above 0."""
    for name in names:
        number = plain(getattr(value, name), unit, where=f"{where}.{name}")
        if number < 0 or (positive and number == 0):
            least = "above 0" if positive else "0 or more"
            raise SpecError(f"{number:g} is out of range; write {least}", where=f"{where}.{name}")
        object.__setattr__(value, name, number)


def set_count(value: Any, where: str, name: str) -> None:
    """Make a field of a frozen dataclass a whole number of 1 or more."""
    number = getattr(value, name)
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise SpecError(f"{number!r} is not a whole number", where=f"{where}.{name}")
    if number < 1:
        raise SpecError(f"{number} is too small; write 1 or more", where=f"{where}.{name}")
    object.__setattr__(value, name, int(number))
