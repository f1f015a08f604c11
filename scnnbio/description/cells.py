"""Tables of text and formulas, from which Markdown and LaTeX are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Most numbers of an array that are listed; of a longer one, the extent is given.
MOST_LISTED = 8
#: Symbols of units that are not written as in a document.
_UNITS = {"uS": "µS", "uV": "µV", "us": "µs", "MOhm": "MΩ", "Ohm": "Ω", "deg": "deg", "1": ""}


@dataclass(frozen=True)
class Text:
    """Words, in plain characters.

    Parameters
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Math:
    """A formula.

    Parameters
    ----------
    latex : str
        In LaTeX, without dollar signs.
    """

    latex: str


Piece = Text | Math
Line = tuple[Piece, ...]
#: What makes a line: pieces, or words.
Part = str | Text | Math


@dataclass(frozen=True)
class Cell:
    """The content of a cell.

    Parameters
    ----------
    lines : tuple of tuple of Text or Math
    """

    lines: tuple[Line, ...]


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table of a description.

    Parameters
    ----------
    section : str
        Letter of the section, "A" to "H".
    title : str
    head : tuple of str
        Names of the columns.
    rows : tuple of tuple of Cell
    widths : tuple of float
        Relative widths of the columns.
    """

    section: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]


def line(*parts: Part) -> Line:
    """A line of words and formulas; words that follow each other are joined."""
    pieces: list[Piece] = []
    for part in parts:
        piece = Text(part) if isinstance(part, str) else part
        last = pieces[-1] if pieces else None
        if isinstance(piece, Text) and isinstance(last, Text):
            pieces[-1] = Text(last.text + piece.text)
        elif piece != Text(""):
            pieces.append(piece)
    return tuple(pieces)


def cell(*lines: Part | Sequence[Piece]) -> Cell:
    """A cell of lines, each of which is a piece or a sequence of pieces."""
    made = (line(one) if isinstance(one, Part) else line(*one) for one in lines)
    return Cell(tuple(filter(None, made)))


def number(value: float) -> Piece:
    r"""A number with up to twelve significant digits; whole ones with all of theirs.

    Examples
    --------
    >>> number(20.0), number(-5e-10)
    (Text(text='20'), Math(latex='-5 \\times 10^{-10}'))
    """
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        text = str(int(value))
    elif math.isinf(value):
        return Math(r"\infty" if value > 0 else r"-\infty")
    else:
        text = f"{value:.12g}"
    mantissa, exponent, power = text.partition("e")
    if exponent:
        return Math(rf"{mantissa} \times 10^{{{int(power)}}}")
    return Math(text) if value < 0 else Text(text)


def unit_text(unit: str) -> str:
    """How a unit is written after a number, with the space before it."""
    shown = _UNITS.get(unit, unit)
    return f" {shown}" if shown else ""


def quantity(value: float, unit: str) -> Line:
    """A number with its unit."""
    return line(number(value), unit_text(unit))


def listed(values: Iterable[float], unit: str = "1") -> Line:
    """Numbers, separated by commas, with their unit."""
    parts: list[Part] = []
    for value in values:
        parts += [number(value), ", "]
    return line(*parts[:-1], unit_text(unit))


def extent(values: Any, unit: str = "1", each: str = "", *, count: bool = True) -> Line:
    """One number, a few numbers, or the extent of many.

    Parameters
    ----------
    values : array_like
    unit : str
    each : str
        What each number of an array belongs to, such as "one per channel".
    count : bool
        Whether the number of values is given.
    """
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    after = unit_text(unit)
    if array.size and (array == array.flat[0]).all():
        return quantity(float(array.flat[0]), unit)
    if array.size <= MOST_LISTED:
        return line(*listed(array.ravel(), unit), f" ({each})" if each else "")
    known = array[np.isfinite(array)]
    if not known.size:
        return line(f"{array.size} values, none of them finite")
    missing = f", {array.size - known.size} not finite" if known.size < array.size else ""
    return line(
        f"{array.size} values " if count else "", f"({each}) " if each else "", "from ",
        number(known.min()), " to ", number(known.max()), after, ", mean ", _rounded(known.mean()),
        after, ", SD ", _rounded(known.std()), after, missing,
    )  # fmt: skip


def _rounded(value: float) -> Piece:
    """What was computed for the reader, with four digits."""
    return number(float(f"{value:.4g}"))


def size(shape: Iterable[int]) -> Math:
    """A shape: numbers joined by a multiplication sign."""
    return Math(r" \times ".join(map(str, shape)))


def names(given: Iterable[str]) -> str:
    """Names, separated by commas."""
    return ", ".join(dict.fromkeys(given))
