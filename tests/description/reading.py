"""Reads the tables of a description back from its Markdown and its LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

#: What a number looks like: plain, or with a power of ten in a formula.
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?: \\times 10\^\{(-?\d+)\})?")
_WORDS = {
    r"\textbackslash{}": "\\", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"\textquotedbl{}": '"',
    r"\textasciigrave{}": "`", r"\textquotesingle{}": "'", r"\textmu{}": "µ",
    r"\textohm{}": "Ω", r"\textdegree{}": "°", r"\texttimes{}": "×", "-{}-": "--",
    "{[}": "[", "{]}": "]", r"\_\allowbreak{}": "_", r"\'{e}": "é", r'\"{u}': "ü",
    r"\textendash{}": "–", r"\textellipsis{}": "…",
}  # fmt: skip


def numbers(text: str) -> set[str]:
    """Every number in a text, to twelve digits."""
    found = set()
    for match in _NUMBER.finditer(text):
        mantissa = float(match[0].partition(" ")[0])
        found.add(rounded(mantissa * 10.0 ** int(match[1] or 0)))
    return found


def rounded(value: float) -> str:
    """A number to eleven digits, as a text that is equal for equal numbers."""
    return f"{float(f'{value + 0.0:.12g}'):.10e}"


def markdown_cells(text: str) -> list[list[list[str]]]:
    """Rows of cells of lines of every table, without escapes; formulas between dollar signs."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[_plain_markdown(cell) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def _plain_markdown(cell: str) -> list[str]:
    lines = []
    for one in cell.removeprefix(" ").removesuffix(" ").split("<br>"):
        # Every second part is a formula, in which nothing is escaped.
        parts = re.split(r"(?<!\\)\$", one)
        words = [re.sub(r"\\(.)", r"\1", part) for part in parts[::2]]
        lines.append(_joined(words, parts[1::2]))
    return lines


def latex_cells(text: str) -> list[list[list[str]]]:
    """Rows of cells of lines of every table, without escapes; formulas between dollar signs."""
    rows = []
    for row in re.findall(r"^(.*) \\\\ \\hline$", text, re.M):
        if not row.startswith(r"\multicolumn"):
            rows.append([_plain_latex(cell) for cell in row.split(" & ")])
    return rows


def _plain_latex(cell: str) -> list[str]:
    bold = re.fullmatch(r"\\textbf\{(.*)\}", cell)
    lines = []
    for one in (bold[1] if bold else cell).split(r" \newline "):
        parts = re.split(r"(?<!\\)\$", one)
        formulas = [part.removeprefix(r"\displaystyle ") for part in parts[1::2]]
        lines.append(_joined([unescaped(part) for part in parts[::2]], formulas))
    return lines


def unescaped(text: str) -> str:
    """LaTeX's words for characters as the characters."""
    for word, character in _WORDS.items():
        text = text.replace(word, character)
    return re.sub(r"\\([{}$&%#_])", r"\1", text)


def _joined(words: list[str], formulas: list[str]) -> str:
    whole = words[0]
    for formula, after in zip(formulas, words[1:], strict=True):
        whole += f"${formula}${after}"
    return whole


def scalars(form: object, skip: frozenset[str] = frozenset()) -> Iterator[float]:
    """Every number in a canonical form; of more than eight in a row, the extremes."""
    if isinstance(form, Mapping):
        for key, value in form.items():
            if key not in skip:
                yield from scalars(value, skip)
    elif isinstance(form, np.ndarray | list):
        plain = [x for x in form if isinstance(x, int | float) and not isinstance(x, bool)]
        array = form if isinstance(form, np.ndarray) else np.array(plain, dtype=float)
        if array.size and array.dtype.kind in "iuf":
            few = array.size <= 8
            yield from map(float, array.ravel() if few else (array.min(), array.max()))
        if isinstance(form, list):
            for item in form:
                if isinstance(item, dict | list | np.ndarray):
                    yield from scalars(item, skip)
    elif isinstance(form, int | float) and not isinstance(form, bool):
        yield float(form)
