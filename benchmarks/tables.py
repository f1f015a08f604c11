"""Markdown tables of benchmarks, and their place in the page on performance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "background" / "performance.md"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands in a page between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises
    ------
    ValueError
        If the page has no such place.
    """
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.S)
    whole, number = place.subn(lambda found: f"{found[1]}{text}\n{found[2]}", page.read_text())
    if number != 1:
        raise ValueError(f"{page} has {number} places for {name!r}")
    page.write_text(whole)
