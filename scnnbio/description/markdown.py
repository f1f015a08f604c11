"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scnnbio.description.cells import Cell, Math, Piece, Table

#: Characters that mean something in Markdown, or between dollar signs.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$~^#&!])")


def markdown(title: str, tables: Iterable[Table]) -> str:
    """A document in Markdown.

    Parameters
    ----------
    title : str
    tables : iterable of Table
    """
    blocks = [f"# Model description: {escaped(title)}"]
    for table in tables:
        blocks.append(f"## {table.section} {escaped(table.title)}")
        blocks.append("\n".join(_rows(table)) if table.rows else "None.")
    return "\n\n".join(blocks) + "\n"


def _rows(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(map(escaped, table.head)) + " |"
    yield "|" + "---|" * len(table.head)
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(given: Cell) -> str:
    return "<br>".join("".join(map(_piece, one)) for one in given.lines)


def _piece(piece: Piece) -> str:
    return f"${piece.latex}$" if isinstance(piece, Math) else escaped(piece.text)


def escaped(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())) if text.strip() == text else _kept(text)


def _kept(text: str) -> str:
    """Escaped text whose spaces at its ends stay, since a formula may follow."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return f"{before}{escaped(text.strip())}{after}"
