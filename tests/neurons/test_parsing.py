"""Text that claims to be an equation: arithmetic passes, everything else is refused and not run."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import FUNCTIONS, value
from scnnbio.neurons.parsing import check_name, real, split_assignments
from scnnbio.neurons.whitelist import check_expression

MARKER = "ran.marker"

HOSTILE = [
    f"__import__('os').system('touch {MARKER}')",
    f"(lambda: __import__('os').system('touch {MARKER}'))()",
    f"exec(\"open('{MARKER}', 'w')\")",
    f"exp(__import__('os').system('touch {MARKER}'))",
    f"open('{MARKER}', 'w')",
    f"[open('{MARKER}', 'w') for x in (1,)]",
    f"(x := open('{MARKER}', 'w'))",
    "().__class__.__base__.__subclasses__()",
    "[x for x in ().__class__.__bases__[0].__subclasses__()]",
    "{x: x for x in y}",
    "(x for x in y)",
    "x.__class__.__init__.__globals__",
    "v.real",
    "a[0]",
    "a[0:1]",
    "(a, b)",
    "[a]",
    "{a}",
    "f'{__import__(\"os\").getpid()}'",
    "'abc' * 3",
    "b'abc'",
    "...",
    "None",
    "1j",
    "v if True else 0",
    "v is 0",
    "v in w",
    "await v",
    "yield v",
    "*v",
    "exp(*v)",
    "exp(v, out=w)",
    "exp(x)(y)",
    "exp(v, w)",
    "clip(v)",
    "lambda: 0",
    "__name__",
    "_v",
    "v; w",
    "v = 1",
    "import os",
    "v\nw",
    "(v\n+ w)",
    "v # comment",
    "v \\\n + w",
    "v & w",
    "v @ w",
    "v << 10**9",
    "~v",
    "a < v < b",
    "1if 2else 3",
    "ν + 1",
    "",
    " ",
    "9**9**9**9",
    "v**21",
    "v**-21",
    "v**(1 + 1)",
    "((((9**20)**20)**20)**20)",
    "exp((9**15)**15)",
    "1e400",
    "1e400*v",
    "0x" + "f" * 1500,
    "9" * 1900,
    "a" * 100_000 + "+1",
    "(" * 900 + "v" + ")" * 900,
    "(" * 2000 + "v" + ")" * 2000,
    "-" * 900 + "v",
    "-" * 5000 + "v",
    "exp(" * 60 + "v" + ")" * 60,
    "\x00",
    "v\x00",
]

ARITHMETIC = {
    "-(v-v_rest)/tau + R*I/tau": {"v", "v_rest", "tau", "R", "I"},
    "a*exp(-t/tau)+b*sin(2*pi*f*t)": {"a", "t", "tau", "b", "pi", "f"},
    "clip(w,0,1)*(v>0)": {"w", "v"},
    "int(v>0)*x**2": {"v", "x"},
    "(gL*(EL-v)+gL*DeltaT*exp((v-VT)/DeltaT)-w)/C": {"gL", "EL", "v", "DeltaT", "VT", "w", "C"},
    "v >= v_thresh and not (w > 1)": {"v", "v_thresh", "w"},
    "x**-0.5 + y**n": {"x", "y", "n"},
    "(a**2 + b**2)**0.5": {"a", "b"},
    "  1e-3 * v // 2 % 3 ": {"v"},
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_not_arithmetic_is_refused_and_not_run(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        check_expression(text, where="LIF.dv/dt")
    assert caught.value.where == "LIF.dv/dt"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_reset_is_as_strict(text: str) -> None:
    with pytest.raises(SpecError):
        split_assignments(f"v = {text}" if text.strip() else "v = ")


@pytest.mark.parametrize("value", [None, 3, 2.5, b"v", ["v"], {"v": 1}])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(SpecError):
        check_expression(value)  # type: ignore[arg-type]
    with pytest.raises(SpecError):
        split_assignments(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "names"), ARITHMETIC.items())
def test_arithmetic_passes_and_tells_its_names(text: str, names: set[str]) -> None:
    # The names were read off by hand; functions are not among them.
    assert check_expression(text) == names


#: Written out anew: what a symbolic parser may be shown at all.
ALLOWED = {
    *("Expression", "BinOp", "UnaryOp", "BoolOp", "Compare", "Call", "Name", "Load", "Constant"),
    *("Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow", "UAdd", "USub", "Not", "And", "Or"),
    *("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"),
}

_pieces = st.lists(
    st.sampled_from(
        [
            *("v", "w", "_x", "exp", "open", "clip", "1", "2.5", "1e9", "1e999", "True", "None"),
            *("+", "-", "*", "/", "//", "%", "**", "@", "<<", "&", "<", ">=", "==", "is", "in"),
            *("(", ")", "[", "]", "{", "}", ",", ".", ":", ":=", "'", '"', "f'", "#", "\\", "\n"),
            *("and", "or", "not", "lambda", "if", "else", "for", "await", "yield", "import", " "),
        ]
    ),
    max_size=14,
).map(" ".join)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.one_of(_pieces, st.text(max_size=30)))
def test_accepted_text_holds_whitelisted_nodes_only(text: str) -> None:
    try:
        names = check_expression(text)
    except SpecError:
        return
    nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    assert {type(node).__name__ for node in nodes} <= ALLOWED
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    assert all(isinstance(c.func, ast.Name) and c.func.id in FUNCTIONS for c in calls)
    assert not any(name.startswith("_") for name in names)


def test_statements_are_split() -> None:
    # By hand.
    assert split_assignments(" v = v_reset ;w += b*2\n\nu/=2;") == (
        ("v", "=", "v_reset"),
        ("w", "+=", "b*2"),
        ("u", "/=", "2"),
    )


@pytest.mark.parametrize(
    "text", ["v", "v == 1", "v := 1", "v **= 2", "2 = v", "v[0] = 1", "v.x = 1"]
)
def test_what_is_not_an_assignment_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        split_assignments(text)


def test_a_sum_is_as_long_as_it_likes_and_nesting_is_not() -> None:
    """The terms of a sum are not inside one another, whatever tree Python makes of them."""
    names = [f"x{k}" for k in range(110)]
    assert check_expression(" + ".join(names)) == set(names)
    assert check_expression("*".join(f"({a} - {a}/2)" for a in names[:90])) == set(names[:90])
    deep = "x"
    for k in range(60):
        deep = f"a{k % 2}*({deep} + 1)"
    long = "+".join("a" * 300)
    for text, message in ((deep, "nested more than 50 deep"), (long, "more than 200 terms")):
        with pytest.raises(SpecError, match=message):
            check_expression(text)


@pytest.mark.parametrize("join", [" + ", " - ", "*", "/", " - b + ", "/b*"])
def test_a_long_row_is_worked_out_by_halves(join: str) -> None:
    """In exact fractions, from the left, it is the same number."""
    values = [Fraction(k % 7 + 1, 4) for k in range(90)]
    text = join.join(f"x{k}" for k in range(90))
    expected = functools.reduce(_exact(join), values)
    names = {f"x{k}": float(value) for k, value in enumerate(values)} | {"b": 0.5}
    found = value(real(text), names)
    assert found == pytest.approx(float(expected), rel=1e-13)
    nodes = [(real(text), 0)]
    deepest = 0
    while nodes:
        node, depth = nodes.pop()
        deepest = max(deepest, depth)
        nodes += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    assert deepest < 12


def _exact(join: str) -> Callable[[Fraction, Fraction], Fraction]:
    half = Fraction(1, 2)
    return {
        " + ": lambda x, y: x + y,
        " - ": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
        " - b + ": lambda x, y: x - half + y,
        "/b*": lambda x, y: x / half * y,
    }[join]


@pytest.mark.parametrize(
    "text", ["1/0", "v + 0**-1", "log(0)*v", "sqrt(-1)", "1e300*1e300", "(-8)**0.5"]
)
def test_a_constant_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="is not a finite number"):
        check_expression(text)


def test_a_thousand_levels_of_a_caller_leave_room() -> None:
    def called(depth: int) -> frozenset[str]:
        return check_expression("+".join("a" * 190)) if depth == 0 else called(depth - 1)

    before = sys.getrecursionlimit()
    assert called(800) == {"a"}
    assert sys.getrecursionlimit() == before


def test_blank_space_costs_no_time() -> None:
    # A pattern with several unbounded gaps in a row would search for minutes.
    with pytest.raises(SpecError):
        split_assignments("v = " + " " * 1900 + "=")


@pytest.mark.parametrize(
    "name", ["", "a.b", "a/b", "../x", "a b", "1a", "_a", "é", "a\n", "x" * 65, None, 3, ["a"]]
)
def test_names_that_would_not_do_as_files_or_groups_are_refused(name: object) -> None:
    with pytest.raises(SpecError):
        check_name(name, "name", dashes=True)


def test_dashes_are_for_names_that_no_simulator_sees() -> None:
    check_name("v1_features", "name")
    check_name("v1-features", "name", dashes=True)
    with pytest.raises(SpecError):
        check_name("v1-features", "name")
