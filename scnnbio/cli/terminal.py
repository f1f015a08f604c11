"""Where output goes: results to standard output; errors, notes and progress to standard error.

A terminal gets colours, progress bars and tables that fit its width. A pipe or file gets plain
lines, none of them truncated.
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

# Text is printed literally: rich's [brackets] and :emoji: are off.
console = Console(markup=False, emoji=False, highlight=False)
errors = Console(markup=False, emoji=False, highlight=False, stderr=True)

#: Characters of text and of drawn formulas with an ASCII character of the same width, so that
#: formulas stay aligned.
_SAME_WIDTH = str.maketrans(
    "–—−‐‑×·⋅÷⁄µ≈‘’“”•ℯ─━│┃┌┐└┘├┤┬┴┼╱╲⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎫⎬⎭⎪⎮",
    "-----x**//u~''\"\"*e--||+++++++++/\\/|\\\\|/[[[]]]{{{}}}||",
)
#: Characters that become ASCII words.
_WORDS = str.maketrans({
    "…": "...", "°": "deg", "√": "sqrt", "∞": "inf", "±": "+-", "²": "^2", "³": "^3", "≤": "<=",
    "≥": ">=", "≠": "!=", "→": "->", "←": "<-", "↔": "<->", "✓": "yes", "✗": "no", "Ω": "Ohm",
    "\N{OHM SIGN}": "Ohm",
})  # fmt: skip


def in_ascii(text: str) -> str:
    """Text in ASCII; characters without an ASCII spelling become their code points.

    Examples
    --------
    >>> in_ascii("τ_m ≤ 20 µs")
    'tau_m <= 20 us'
    """
    plain = text.translate(_SAME_WIDTH).translate(_WORDS)
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
    """Print characters that the terminal or pipe cannot encode in ASCII, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="scnnbio.legible")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print a table, one line per row; on a narrow terminal, several lines per row.

    Parameters
    ----------
    headers : sequence of str
    rows : sequence of sequences of str or Text
        Cells, as many as ``headers``; the style of a Text is used where colours are.
    """
    lines = [list(headers), *([_on_one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if console.is_terminal and sum(widths) + 2 * len(widths) > console.width:
        for row, line in zip(rows, lines[1:], strict=True):
            cells = (f"{h}: {cell}" for h, cell in zip(headers[1:], line[1:], strict=True) if cell)
            within = textwrap.fill(
                "; ".join(cells),
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
    """Text of a row in the styles of its cells."""
    styled = Text(text)
    for cell in row:
        if isinstance(cell, Text) and cell.style:
            styled.highlight_words([cell.plain], cell.style)
    return styled


def progress() -> AbstractContextManager[Report]:
    """Progress on standard error; see :func:`scnnbio.progress.progress`."""
    return shown.progress(errors)
