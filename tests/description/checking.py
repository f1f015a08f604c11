"""Checks of descriptions: numbers of what is described, structure of LaTeX, formulas."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import numpy as np
from matplotlib.mathtext import MathTextParser

from scnnbio.description import Description, Math
from scnnbio.experiment import Experiment
from scnnbio.network import Network
from scnnbio.values import canonical, fields_of
from tests.description.reading import latex_cells, markdown_cells, numbers, rounded, scalars

_PARSER = MathTextParser("path")
#: Larger kernels have more synapses than a test wants to make; their count is tested on its own.
SMALL = 12_000


def of_network(network: Network) -> Iterator[float]:
    """Every number that determines a network, found without the code under test."""
    for p in network.populations:
        yield p.size
        yield from scalars(list(p.shape))
        yield from scalars(canonical(p.field_of_view))
        for rule in (p.homeostasis, p.competition):
            yield from scalars(canonical(rule))
        yield from scalars([canonical(noise) for noise in p.noise])
        if not p.is_source:
            for value in (*p.values().values(), *p.initial.values()):
                array = np.unique(value)
                yield from scalars(array)
    for q in network.projections:
        yield q.weight
        yield q.delay
        yield from scalars(canonical(q.plasticity))
        yield from scalars(q.kernel)
        skip = frozenset({"kernel", "present", "edges", "weight", "weights", "strength", "lag"})
        yield from scalars(canonical(q.connector.canonical_fields()), skip)
        if q.kernel.size < SMALL:
            yield len(q.connector.edges())


def of_experiment(experiment: Experiment) -> Iterator[float]:
    """Every number of its protocol."""
    yield experiment.dt
    yield experiment.n_trials
    yield experiment.trial_duration
    yield experiment.seed
    yield from scalars(canonical(experiment.input_dt))
    yield from scalars(canonical(experiment.training))
    for name, given in experiment.inputs.items():
        assert name
        yield from of_input(given)


def of_input(given: object) -> Iterator[float]:
    """Every number of an input or a stimulus, but those that it has drawn or read from a file."""
    told = {k: v for k, v in fields_of(given).items() if k != "files" and not k.startswith("_")}
    yield from scalars({name: canonical(value) for name, value in told.items()})


def parsed(found: Description) -> str:
    """Markdown, once both formats have the same cells, and each formula was parsed."""
    text, latex = found.markdown(), found.latex()
    assert markdown_cells(text) == latex_cells(latex)
    check_latex(latex)
    return text


def check_latex(text: str) -> None:
    """Whether TeX can read its structure: ASCII, balanced, and nothing special unescaped."""
    assert text.isascii()
    opened = re.findall(r"\\(begin|end)\{(\w+)\}", text)
    stack: list[str] = []
    for what, name in opened:
        if what == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    body = re.sub(
        r"\\(begin|end)\{longtable\}(\{\|.*\|\})?", "", text.partition(r"\begin{document}")[2]
    )
    body = re.sub(
        r"\$\\displaystyle (.*?)(?<!\\)\$", "", body
    )  # the parser of formulas reads these
    plain = re.sub(r"\\[\\{}$&%#_]|\\[\"'`^~=.](?=\{)", "", body)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert not re.search(r'[$%#_^~<>|"]', plain.replace("{|l|}", ""))


def formulas(found: Description) -> set[str]:
    """Every formula of a description."""
    return {
        piece.latex
        for table in found.tables
        for row in table.rows
        for cell in row
        for line in cell.lines
        for piece in line
        if isinstance(piece, Math)
    }


def check_formulas(found: Description) -> None:
    """Whether matplotlib's parser of TeX, which is not of this project, reads every formula."""
    for latex in formulas(found):
        parse(latex)


@functools.lru_cache
def parse(latex: str) -> None:
    """Parse a formula, once."""
    _PARSER.parse(f"${latex}$")


def check_numbers(text: str, wanted: Iterator[float]) -> None:
    """Whether every wanted number is in the text."""
    there = numbers(text)
    missing = {value for value in wanted if np.isfinite(value) and rounded(value) not in there}
    assert not missing
