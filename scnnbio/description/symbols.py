"""Names of variables and parameters as the symbols of the field, and expressions in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from scnnbio.description.cells import Math
from scnnbio.neurons.brian2_loader import as_sympy

#: Names that have a symbol of their own; the others follow a rule.
_KNOWN = {
    "a_minus": r"A_{-}", "a_plus": r"A_{+}", "a_post": r"A_{\mathrm{post}}",
    "a2_minus": r"A_{2}^{-}", "a2_plus": r"A_{2}^{+}", "a3_minus": r"A_{3}^{-}",
    "a3_plus": r"A_{3}^{+}", "cm": r"C_{\mathrm{m}}", "delta_T": r"\Delta_{T}",
    "e": r"\mathtt{e}", "homeo_eta": r"\eta_{\mathrm{h}}", "homeo_target": r"f^{\ast}",
    "homeo_tau": r"\tau_{\mathrm{h}}", "homeo_trace": r"x_{\mathrm{h}}", "i_offset": r"I_{0}",
    "tau_minus": r"\tau_{-}", "tau_plus": r"\tau_{+}", "tau_refrac": r"\tau_{\mathrm{ref}}",
    "half_life": r"T_{1/2}", "target": r"f^{\ast}",
    "v": r"V", "v_thresh": r"V_{\mathrm{th}}", "w_max": r"w_{\max}", "w_min": r"w_{\min}",
}  # fmt: skip
#: First words of names → letters.
_LETTERS = {"v": "V", "i": "I", "e_rev": "E", "c": "C"}
_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu",
    "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
_NUMBERED = re.compile(r"([A-Za-z]+?)(\d+)")


def symbols(names: Iterable[str]) -> dict[str, str]:
    r"""The symbol of each name in LaTeX; no two names share one.

    Examples
    --------
    >>> symbols(["v", "tau_syn_E", "I_asc1"])["tau_syn_E"]
    '\\tau_{\\mathrm{syn,E}}'
    """
    found = {name: _symbol(name) for name in names}
    shared = list(found.values())
    return {name: s if shared.count(s) == 1 else _verbatim(name) for name, s in found.items()}


def has_symbol(name: str) -> bool:
    """Whether a name has a symbol of the field, and not only its own letters."""
    return name in _KNOWN or name.partition("_")[0] in _GREEK


def _symbol(name: str) -> str:
    if name in _KNOWN:
        return _KNOWN[name]
    head, *rest = filter(None, name.removeprefix("e_rev_").split("_"))
    if name.startswith("e_rev_"):
        head, rest = "e_rev", [head, *rest]
    last = re.fullmatch(r"tau(\d*)", rest[-1]) if rest and head not in _GREEK else None
    if last:  # a time constant of what stands before
        head, rest = "tau", [head, *rest[:-1], *filter(None, last.groups())]
    numbered = _NUMBERED.fullmatch(head)
    if numbered and (len(numbered[1]) == 1 or numbered[1] in _GREEK):
        head, rest = numbered[1], [numbered[2], *rest]
    if head in _GREEK:
        letter = rf"\{head}"
    elif len(head) == 1:
        # A single letter is as the author wrote it: v is a potential, but a bare c need not be C.
        letter = _LETTERS.get(head, head) if rest else head
    else:
        letter = _LETTERS.get(head, rf"\mathrm{{{head}}}")
    return letter + (rf"_{{\mathrm{{{','.join(rest)}}}}}" if rest else "")


def _verbatim(name: str) -> str:
    escaped = name.replace("_", r"\_")
    return rf"\mathtt{{{escaped}}}"


def written(expression: str, known: Mapping[str, str]) -> str:
    """An expression of Brian2's notation in LaTeX.

    Parameters
    ----------
    expression : str
        Arithmetic or a condition, which was checked before.
    known : mapping of str to str
        Symbols by name, of :func:`symbols`.
    """
    return formula(as_sympy(expression.strip()), known)


def formula(expression: object, known: Mapping[str, str]) -> str:
    """A sympy expression in LaTeX, with these symbols by name."""
    found: set[object] = getattr(expression, "free_symbols", set())
    given = {symbol: known.get(str(symbol), _verbatim(str(symbol))) for symbol in found}
    text = str(_printer()({"symbol_names": given, "mul_symbol": r"\, "}).doprint(expression))
    # A bar would end a cell of a Markdown table, and an empty index is left by sympy.
    return text.replace("|", r"\vert ").replace("_{}", "")


@functools.cache
def _printer() -> Any:
    """Sympy's printer, but a sum does not begin with a minus if another term can come first."""
    from sympy.printing.latex import LatexPrinter

    class Printer(LatexPrinter):  # type: ignore[misc]
        def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
            terms = list(super()._as_ordered_terms(expr, order))
            first = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
            return [first, *(term for term in terms if term is not first)]

    return Printer


def equation(left: str, right: str) -> Math:
    """``left = right``."""
    return Math(f"{left} = {right}")


def derivative(symbol: str) -> str:
    """The derivative of a symbol in time."""
    return rf"\frac{{d {symbol}}}{{dt}}"


def becomes(symbol: str, operator: str, right: str) -> Math:
    r"""A statement such as ``v -= w`` as an assignment.

    Examples
    --------
    >>> becomes("w", "+=", "b").latex
    'w \\leftarrow w + b'
    """
    kind = operator.removesuffix("=")
    if not kind:
        return Math(rf"{symbol} \leftarrow {right}")
    sign = {"+": "+", "-": "-", "*": r"\cdot", "/": "/"}.get(kind, kind)
    plain = re.fullmatch(r"[A-Za-z0-9\\{}_.,^]+", right)
    inner = right if plain or kind == "+" else rf"\left({right}\right)"
    return Math(rf"{symbol} \leftarrow {symbol} {sign} {inner}")
