"""What notebooks show: well-formed HTML that says what there is and runs nothing."""

from __future__ import annotations

import dataclasses
import html.parser
import itertools
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

from scnnbio import LIF, ConvolutionConnector, Network, Population, Projection, SpikeSource
from scnnbio._html import Arrow, Box, drawing, short, table
from scnnbio.connectors import LateralInhibitionConnector
from scnnbio.experiment import ClaimBinding, Run, Study
from scnnbio.plasticity import SharedSTDP
from scnnbio.recording import Recording
from scnnbio.validation.scores import Score, Scores
from tests.described import INSTANCES

HOSTILE = "</title></svg><script>alert('1')</script><img src=x onerror=\"alert(2)\">&amp;\n"
_VOID = {"img", "br"}
SHAPE = (2, 4, 4)


class Checked(html.parser.HTMLParser):
    """Tags, each closed in its order, and the text between them."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(content)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> list[Any]:
    """Everything that is shown, with text of others wherever it may be."""
    run, study = INSTANCES[Run](), INSTANCES[Study]()
    neuron = dataclasses.replace(LIF, name=HOSTILE)
    network = run.experiment.network
    cells = dataclasses.replace(network.population("v1"), neuron=neuron)
    odd = Network((network.population("lgn"), cells), network.projections)
    experiment = dataclasses.replace(run.experiment, network=odd)
    name = HOSTILE.replace("/", "|")  # a recording takes no slash
    old = run.recording
    recording = Recording(
        {name: old.spikes["v1"]},
        {name: (1, 2, 2)},
        {"duration": [10.0, 10.0], name: [HOSTILE, HOSTILE]},
        {name: {name: old.signals["v1"]["v"]}},
    )
    score = Score(HOSTILE, 0.1, {}, {}, "agrees", HOSTILE, source=HOSTILE)
    return [
        odd,
        recording,
        Run(experiment, recording, {HOSTILE: np.ones(3)}, {HOSTILE: {HOSTILE: HOSTILE}}),
        dataclasses.replace(study, title=HOSTILE, claims=(ClaimBinding(HOSTILE, "run"),)),
        Scores((score,)),
    ]


@pytest.mark.parametrize("value", hostile(), ids=lambda value: type(value).__name__)
def test_text_of_others_stays_text(value: Any) -> None:
    found = Checked(value._repr_html_())
    assert not {"script", "img", "a", "iframe", "style", "link"} & found.tags
    assert not any(name.startswith("on") or name in ("src", "href") for name in found.attributes)
    assert "<script>alert('1')" in found.text
    assert "\n" not in repr(value)


@pytest.mark.parametrize("cls", [Network, Run, Recording, Study])
def test_what_is_shown_names_its_parts(cls: type[Any]) -> None:
    value = INSTANCES[cls]()
    found = Checked(value._repr_html_())
    names = {
        Network: ("lgn", "v1", "lgn_v1", "ConvolutionConnector", "LIF"),
        Run: ("reference", "lgn_v1", "orientation", "v1"),
        Recording: ("v1", "orientation", "mV", "2 trials"),
        Study: ("Two", "test", "isi_cv", "lgn_v1", "SharedSTDP"),
    }
    for name in names[cls]:
        assert name in found.text


def test_scores_are_a_tuple_with_a_table() -> None:
    score = Score("a", 0.5, {}, {}, "agrees", "why")
    scores = Scores((score, dataclasses.replace(score, claim="b", verdict="disagrees")))
    assert scores == (scores[0], scores[1])
    text = Checked(scores._repr_html_()).text
    assert "2 scores: 1 agrees, 1 disagrees" in text


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  (drawn here)


def populations(*names: str) -> tuple[Population, ...]:
    source = Population("lgn", SHAPE, SpikeSource())
    return (source, *(Population(name, SHAPE, LIF) for name in names))


def test_a_drawing_shows_every_population_and_what_projections_do() -> None:
    kernel = np.ones((2, 2, 1, 1))
    excites, mixed = ConvolutionConnector(kernel, SHAPE), kernel - 0.5 * np.eye(2)[..., None, None]
    within = LateralInhibitionConnector(SHAPE, "maps")
    inhibits: dict[str, Any] = {"receptor": "inhibitory", "weight": -1.0}
    network = Network(
        populations("v1", "pv", "v2"),
        (
            Projection("lgn", "v1", excites, plasticity=SharedSTDP()),
            Projection("v1", "pv", excites),
            Projection("pv", "v1", within, **inhibits),
            Projection("v1", "v1", within, name="own", **inhibits),
            Projection("v1", "v2", ConvolutionConnector(mixed - 0.7, SHAPE)),
            Projection("lgn", "v2", excites),
        ),
    )
    svg = re.search("<svg.*</svg>", network._repr_html_(), re.DOTALL)
    assert svg
    root = parsed(svg[0])
    space = "{http://www.w3.org/2000/svg}"
    told = {title.text for title in root.iter(f"{space}title")}
    assert told == {
        "lgn\n2 x 4 x 4\nSpikeSource", "v1\n2 x 4 x 4\nLIF", "pv\n2 x 4 x 4\nLIF",
        "v2\n2 x 4 x 4\nLIF", "lgn_v1: excites, learns", "v1_pv: excites", "pv_v1: inhibits",
        "own: inhibits", "v1_v2: excites or inhibits", "lgn_v2: excites",
    }  # fmt: skip
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    numbers = [
        (float(rect.get("x", 0)), float(rect.get("y", 0))) for rect in root.iter(f"{space}rect")
    ]
    assert len(set(numbers)) == 4
    for x, y in numbers:
        assert 0 <= x < width - 100
        assert 0 <= y < height - 50
    # Boxes of one column do not cover one another.
    ordered = sorted(numbers)
    for (x, y), (x2, y2) in itertools.pairwise(ordered):
        assert x2 - x > 132 or y2 - y > 58
    for path in root.iter(f"{space}path"):
        points = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path.get("d", ""))]
        assert all(0 <= x <= width for x in points[0::2])
        assert all(0 <= y <= height for y in points[1::2])
    # One tip for each projection.
    assert len(list(root.iter(f"{space}polygon"))) == 3
    assert len(list(root.iter(f"{space}line"))) == 2
    assert len(list(root.iter(f"{space}circle"))) == 1


def test_a_drawing_of_circles_ends() -> None:
    boxes = [Box(name) for name in "abcd"]
    arrows = [Arrow(pre, post, f"{pre}{post}", 1) for pre in "abcd" for post in "abcd"]
    parsed(drawing(boxes, arrows))
    parsed(drawing([], []))


def test_long_tables_are_cut() -> None:
    found = Checked(table(("n",), ((k,) for k in range(1000))))
    assert "and 960 more" in found.text
    assert len(short(np.random.default_rng(0).random((1000, 1000)))) < 60
    assert len(short("x" * 10**6)) < 210
    assert short(384000.0) == "384,000"
    assert short(0.123456) == "0.1235"
