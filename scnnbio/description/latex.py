"""Tables in LaTeX, in plain ASCII, with the packages amsmath, array and longtable."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from scnnbio.description.cells import Cell, Math, Piece, Table

_BEGIN = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{amsmath}
\usepackage{array}
\usepackage{longtable}
\usepackage[a4paper,margin=20mm]{geometry}
\setlength{\LTleft}{0pt}
\setlength{\LTright}{0pt}
\renewcommand{\arraystretch}{1.2}
\begin{document}
"""
_END = "\\end{document}\n"
#: Characters that mean something in LaTeX, or that T1 fonts have not under their own code.
_WRITTEN = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%",
    "#": r"\#", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}", "'": r"\textquotesingle{}", "[": "{[}", "]": "{]}",
    "µ": r"\textmu{}", "μ": r"\textmu{}", "Ω": r"\textohm{}", "°": r"\textdegree{}",
    "×": r"\texttimes{}", "±": r"\textpm{}", "→": r"$\to$", "≤": r"$\leq$", "≥": r"$\geq$",
    "−": "$-$", "·": r"$\cdot$", "–": r"\textendash{}", "—": r"\textemdash{}",
    "…": r"\textellipsis{}", "’": r"\textquoteright{}", "‘": r"\textquoteleft{}",
    "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}", "ß": r"\ss{}", "æ": r"\ae{}",
    "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "√": r"$\surd$",
    "∞": r"$\infty$", "²": r"\texttwosuperior{}", "³": r"\textthreesuperior{}",
}  # fmt: skip
#: Combining marks → accents of LaTeX.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
    "\u0328": "k",
}  # fmt: skip


def latex(title: str, tables: Iterable[Table], *, whole: bool = True) -> str:
    """Tables in LaTeX.

    Parameters
    ----------
    title : str
    tables : iterable of Table
    whole : bool
        Whether it is a whole document, which compiles as it is.
    """
    heading = rf"\section*{{Model description: {escaped(title)}}}" + "\n"
    body = heading + "\n".join(map(_table, tables))
    return f"{_BEGIN}\n{body}\n{_END}" if whole else body


def _table(table: Table) -> str:
    columns = "|".join(
        rf">{{\raggedright\arraybackslash}}p{{\dimexpr {width:g}\linewidth-2\tabcolsep\relax}}"
        for width in table.widths
    )
    name = rf"\textbf{{{table.section}}}\quad\textbf{{{escaped(table.title)}}}"
    rows = [r" & ".join(map(_cell, row)) + r" \\ \hline" for row in table.rows]
    head = [" & ".join(rf"\textbf{{{escaped(word)}}}" for word in table.head) + r" \\ \hline"]
    if not rows:
        head, rows = [], [rf"\multicolumn{{{len(table.head)}}}{{|l|}}{{None.}} \\ \hline"]
    return "\n".join(
        [
            rf"\begin{{longtable}}{{|{columns}|}}",
            r"\hline",
            rf"\multicolumn{{{len(table.head)}}}{{|l|}}{{{name}}} \\ \hline",
            *head,
            r"\endhead",
            *rows,
            r"\end{longtable}",
            "",
        ]
    )


def _cell(given: Cell) -> str:
    return r" \newline ".join("".join(map(_piece, one)) for one in given.lines)


def _piece(piece: Piece) -> str:
    if isinstance(piece, Math):
        return rf"$\displaystyle {piece.latex}$"
    return escaped(piece.text)


def escaped(text: str) -> str:
    r"""Text in ASCII in which no character means anything to LaTeX.

    A character that LaTeX cannot write is given by its number.

    Examples
    --------
    >>> print(escaped("Gütig & Sompolinsky, 5 µS"))
    G\"{u}tig \& Sompolinsky, 5 \textmu{}S
    """
    # Two hyphens would become a dash.
    return "".join(map(_character, text)).replace("--", "-{}-")


def _character(one: str) -> str:
    if one in _WRITTEN:
        return _WRITTEN[one]
    if one.isspace():
        return " "
    if " " < one <= "~":
        return one
    parts = unicodedata.normalize("NFD", one)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"{{[}}U+{ord(one):04X}{{]}}"
