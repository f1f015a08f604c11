"""Where output goes: results to standard output; errors, notes and progress to standard error.

On a terminal there are colours, bars and tables that fit its width. Anywhere else there are plain
lines, and nothing is cut.
"""

from __future__ import annotations

import codecs
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.text import Text

from scnnbio import progress as shown
from scnnbio.experiment import Report

# Text is printed as it is: neither [brackets] nor :colons: mean anything.
console = Console(markup=False, emoji=False, highlight=False)
errors = Console(markup=False, emoji=False, highlight=False, stderr=True)

#: Signs of text, and those that formulas are drawn with, that ASCII has one like: formulas stay in
#: line.
_ALIKE = str.maketrans(
    "–—−‐‑×·⋅÷⁄µ≈‘’“”•ℯ─━│┃┌┐└┘├┤┬┴┼╱╲⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎫⎬⎭⎪⎮",
    "-----x**//u~''\"\"*e--||+++++++++/\\/|\\\\|/[[[]]]{{{}}}||",
)
#: What ASCII has words for.
_WORDS = str.maketrans({
    "…": "...", "°": "deg", "√": "sqrt", "∞": "inf", "±": "+-", "²": "^2", "³": "^3", "≤": "<=",
    "≥": ">=", "≠": "!=", "→": "->", "←": "<-", "↔": "<->", "✓": "yes", "✗": "no", "Ω": "Ohm",
    "\N{OHM SIGN}": "Ohm",
})  # fmt: skip


def in_ascii(text: str) -> str:
    """Text in ASCII: as one would type it, or its number where one would not.

    Examples
    --------
    >>> in_ascii("τ_m ≤ 20 µs")
    'tau_m <= 20 us'
    """
    plain = text.translate(_ALIKE).translate(_WORDS)
    return "".join(letter if letter.isascii() else _letter(letter) for letter in plain)


def _letter(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if name.startswith("GREEK") and " WITH " not in name:
        said = name.split()[-1].lower().replace("lamda", "lambda")
        return said.capitalize() if letter.isupper() else said
    parts = unicodedata.normalize("NFKD", letter)
    if parts != letter:
        return "".join("" if unicodedata.combining(p) else in_ascii(p) for p in parts)
    return letter.encode("ascii", "backslashreplace").decode()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


codecs.register_error("scnnbio.legible", _replaced)


def make_legible() -> None:
    """Let output be what its terminal or pipe can take, and never an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="scnnbio.legible")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print a table, a row a line; on a terminal that is too narrow for that, a row in a few lines.

    Parameters
    ----------
    headers : sequence of str
    rows : sequence of sequences of str or Text
        As long as ``headers``; the style of a Text is shown where there are colours.
    """
    lines = [list(headers), *([_on_one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if console.is_terminal and sum(widths) + 2 * len(widths) > console.width:
        for row, line in zip(rows, lines[1:], strict=True):
            told = (f"{h}: {cell}" for h, cell in zip(headers[1:], line[1:], strict=True) if cell)
            within = textwrap.fill(
                "; ".join(told),
                console.width - 1,
                initial_indent="  ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            console.print(Text(line[0], style="bold"), soft_wrap=True)
            console.print(_styled(within, row), soft_wrap=True)
        return
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        text = "  ".join(cells).rstrip()
        shown = _styled(text, rows[number - 1]) if number else Text(text, style="bold")
        console.print(shown, soft_wrap=True)


def _on_one_line(cell: str | Text) -> str:
    return "; ".join(filter(None, map(str.strip, str(cell).split("\n"))))


def _styled(text: str, row: Sequence[str | Text]) -> Text:
    """Text of a row, with the styles of its cells."""
    styled = Text(text)
    for cell in row:
        if isinstance(cell, Text) and cell.style:
            styled.highlight_words([cell.plain], cell.style)
    return styled


def progress() -> AbstractContextManager[Report]:
    """Progress on standard error; see :func:`scnnbio.progress.progress`."""
    return shown.progress(errors)
