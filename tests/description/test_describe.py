"""Whole networks as tables: every number of the description is there, in both formats."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, final

import numpy as np
import pytest

import scnnbio
from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    FixedInDegree,
    Gaussian,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
)
from scnnbio.description import Math, Text, describe
from scnnbio.description.cells import number
from scnnbio.description.connections import pattern, synapses
from scnnbio.description.fields import fields
from scnnbio.description.layers import model_symbols
from scnnbio.description.symbols import symbols
from scnnbio.errors import SpecError
from scnnbio.experiment import (
    EXPERIMENTS,
    Experiment,
    Record,
    Sampling,
    Stage,
    Study,
    load,
)
from scnnbio.inputs import Input
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, LIF, NeuronModel, Parameter, homeostatic
from scnnbio.neurons.noise import OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.plasticity import LearningRule, Normalisation, SharedSTDP, WinnerTakeAll
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.stimuli import Stimulus
from scnnbio.units import In
from scnnbio.values import canonical
from tests.described import INSTANCES
from tests.description.checking import (
    check_formulas,
    check_latex,
    check_numbers,
    formulas,
    of_experiment,
    of_input,
    of_network,
    parsed,
)
from tests.description.reading import markdown_cells, scalars, unescaped
from tests.experiment.small import study

#: Of an experiment that takes seconds to build, the profile that takes less.
_PROFILES = {"v1_physiology": "tiny"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPERIMENTS.own))
def test_every_number_of_an_experiment_is_in_its_tables(name: str) -> None:
    """The numbers are those of the description itself, and synapses are counted one by one."""
    loaded = load(name, profile=_PROFILES.get(name))
    found = scnnbio.describe(loaded)
    text = parsed(found)
    for network in {stage.network for stage in loaded.stages}:
        check_numbers(text, of_network(network))
    for experiment in loaded.experiments:
        check_numbers(text, of_experiment(experiment))
    for population in {p.name for s in loaded.stages for p in s.network.populations}:
        assert population in text.replace("\\", "")
    for bound in loaded.claims:
        assert bound.claim in text.replace("\\", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY.own)
def test_every_neuron_has_its_own_symbols_and_formulas_that_parse(name: str) -> None:
    model = homeostatic(LIBRARY[name], 0.1, 5.0, 200.0) if name == "LIF" else LIBRARY[name]
    known = model_symbols(model)
    assert len(set(known.values())) == len(known) == len(model.states) + len(model.parameters)
    layer = Population("layer", (1, 2, 2), model)
    found = describe(Network((layer,), ()))
    check_numbers(parsed(found), of_network(Network((layer,), ())))
    check_formulas(found)
    text = " ".join(formulas(found))
    for state in model.states:
        assert rf"\frac{{d {known[state.name]}}}{{dt}} =" in text


def test_equations_are_those_of_the_papers() -> None:
    """AdEx as in Brette & Gerstner 2005, J Neurophysiol 94:3637, divided by C."""
    found = formulas(describe(Network((Population("cells", (1, 1, 1), LIBRARY["AdEx"]),), ())))
    assert r"V \geq V_{\mathrm{spike}}" in found
    assert r"w \leftarrow w + b" in found
    assert (
        r"\frac{d w}{dt} = \frac{a\, \left(V - V_{\mathrm{rest}}\right) - w}{\tau_{\mathrm{w}}}"
        in found
    )
    leak = r"\frac{\Delta_{T}\, e^{\frac{V - V_{\mathrm{th}}}{\Delta_{T}}} - V + V_{\mathrm{rest}}}"
    assert any(leak + r"{\tau_{\mathrm{m}}}" in formula for formula in found)


def connectors() -> dict[str, KernelConnector]:
    """One of each, with all that moves their edges."""
    rng = np.random.default_rng(1)
    sparse = rng.uniform(size=(4, 3, 3, 2)) * (rng.uniform(size=(4, 3, 3, 2)) > 0.5)
    local = rng.uniform(size=(2, 3, 3, 2, 3, 3)) * (rng.uniform(size=(2, 3, 3, 2, 3, 3)) > 0.3)
    full = rng.uniform(size=(4, 3, 3, 2))
    return {
        "convolution": ConvolutionConnector(full, (3, 9, 8), (2, 3), (1, 1)),
        "sparse": ConvolutionConnector(sparse, (3, 9, 8), 2, (2, 1), connect_zeros=False),
        "groups": ConvolutionConnector(rng.uniform(size=(4, 3, 3, 3)), (6, 7, 7), groups=2),
        "lags": ConvolutionConnector(
            rng.uniform(size=(2, 1, 3, 3, 3)), (1, 8, 6), padding=1, lags=[0, 5, 12.5]
        ),
        "pooling": PoolingConnector((3, 9, 9), 3, 2, padding=1, mode="first-spike", window=25.0),
        "maps": LateralInhibitionConnector((3, 4, 5), strength=0.5),
        "ring": LateralInhibitionConnector((2, 6, 5), "both", 2, 0.5, profile=Gaussian(1.3)),
        "within": LateralInhibitionConnector((2, 6, 5), "neighbourhood", 3, 0.25),
        "dense": DenseConnector(rng.uniform(size=(6, 8)), (2, 2, 2), connect_zeros=False),
        "local": LocalConnector(local, (2, 5, 5), 2, 1, connect_zeros=False),
        "edges": EdgeListConnector((1, 1, 4), (1, 1, 4), ([0, 1], [1, 2]), [0.5, 0.75], [0.0, 3.0]),
        "drawn": EdgeListConnector((1, 1, 9), (1, 1, 9), FixedInDegree(count=5, seed=77)),
    }  # fmt: skip


@pytest.mark.parametrize("kind", connectors())
def test_a_connector_is_described_in_full(kind: str) -> None:
    """Counts of synapses are those of its edges, made one by one."""
    connector = connectors()[kind]
    assert synapses(connector) == len(connector.edges())
    pre = Population("pre", connector.in_shape, SpikeSource())
    post = Population("post", connector.out_shape, LIF, {"v_thresh": -51.25})
    way = {"receptor": "membrane", "weight": -0.375 if connector.inhibits else 0.375}
    one = connector.inhibits
    ends = ("post", "post") if one else ("pre", "post")
    network = Network(
        (post,) if one else (pre, post), (Projection(*ends, connector, delay=2.5, **way),)
    )
    found = describe(network)
    text = parsed(found)
    check_numbers(text, of_network(network))
    check_numbers(text, iter(connector.lags or ()))
    drawn = getattr(connector, "drawn", None)
    check_numbers(text, scalars(canonical(drawn)))
    said = " ".join(
        p.text if not isinstance(p, Math) else p.latex for one in pattern(connector) for p in one
    )
    assert ("zero connect nothing" in said) == (not getattr(connector, "connect_zeros", True))


@pytest.mark.parametrize(
    "cls", [c for c in INSTANCES if issubclass(c, LearningRule)], ids=lambda c: c.__name__
)
def test_a_learning_rule_is_described_in_full(cls: type[LearningRule]) -> None:
    rule = INSTANCES[cls]()
    connector = ConvolutionConnector(
        np.full((2, 1, 2, 2), (rule.w_min + rule.w_max) / 2), (1, 4, 4)
    )
    layers = [Population("in", (1, 4, 4), SpikeSource()), Population("out", (2, 3, 3), LIF)]
    reward = rule.as_traces().reward
    if reward is not None and reward.population not in ("in", "out"):
        layers.append(Population(reward.population, (np.size(reward.values), 1, 1), SpikeSource()))
    network = Network(layers, [Projection("in", "out", connector, 0.5, plasticity=rule)])
    found = describe(network)
    check_numbers(parsed(found), scalars(canonical(rule)))
    check_formulas(found)
    written = rule.as_traces()
    text = " ".join(formulas(found))
    known = symbols([*written.traces, *written.constants, "w"])
    for name in (*written.used("pre"), *written.used("post")):
        assert rf"\frac{{d {known[name]}}}{{dt}}" in text


def test_pair_stdp_is_written_as_its_docstring_has_it() -> None:
    """Depression at an arrival and potentiation at a spike, with soft bounds."""
    rule = SharedSTDP(
        a_plus=0.01,
        a_minus=0.02,
        w_min=-1.0,
        half_life=500.0,
        normalisation=Normalisation(2.5, "l2"),
    )
    connector = ConvolutionConnector(np.full((1, 1, 3, 3), 0.5), (1, 3, 3))
    layers = (
        Population("in", (1, 3, 3), SpikeSource()),
        Population("out", (1, 1, 1), LIF, competition=WinnerTakeAll(3, 2, True)),
    )
    found = describe(Network(layers, (Projection("in", "out", connector, plasticity=rule),)))
    text = formulas(found)
    assert r"\Delta w = - A_{-}\, y\, \left(w - w_{\min}\right)" in text
    assert r"\Delta w = A_{+}\, x\, \left(w_{\max} - w\right)" in text
    assert r"w_{\min} \leq w \leq w_{\max}" in text
    page = found.markdown()
    assert "all changes halve in 500 ms" in page
    assert "the root of the sum of squares of the kernel of each output map is set to 2.5" in page
    assert "at most 2 winners" in page


def test_noise_is_an_input_with_its_law_and_numbers() -> None:
    noise = (
        PoissonNoise(812.5, 0.0625),
        OrnsteinUhlenbeckNoise(0.011, 0.0025, 2.75, reversal=-3.0),
    )
    network = Network((Population("cells", (1, 2, 2), LIF, noise=noise),), ())
    found = describe(network)
    check_numbers(parsed(found), of_network(network))
    page = found.markdown()
    assert r"\tau \frac{d g}{dt} = \mu - g + \sigma \sqrt{2 \tau}\, \xi(t)" in page
    assert "0.011 µS" in page
    assert "rate 812.5 Hz" in page
    assert "0.0625 nA" in page
    twice = Population("cells", (1, 2, 2), LIF, noise=(noise[0], noise[0]))
    page = describe(Network((twice,), ())).markdown()
    assert "Poisson spikes (1 of 2)" in page
    assert "Poisson spikes (2 of 2)" in page


@pytest.mark.parametrize(
    "cls", [c for c in INSTANCES if issubclass(c, Input | Stimulus)], ids=lambda c: c.__name__
)
def test_every_number_of_an_input_is_told(cls: type[object]) -> None:
    """Also of one that this project does not know: fields and units come from annotations."""
    value = INSTANCES[cls]()
    told = fields(value)
    text = " ".join(p.text if not isinstance(p, Math) else p.latex for _, one in told for p in one)
    check_numbers(text, of_input(value))


def test_units_of_fields_are_those_of_annotations() -> None:
    told = {name: "".join(p.text for p in line) for name, line in fields(SharedSTDP(half_life=5))}  # type: ignore[union-attr]
    assert told["tau_plus"] == "17 ms"
    assert told["a_plus"] == "0.01"
    assert told["half_life"] == "5 ms"


def test_values_come_to_a_port_in_its_unit() -> None:
    """A source of values has no receptor; 0.0425 nA is the current per unit of weight and value."""
    connector = DenseConnector(np.array([[0.5, 0.25]]), (2, 1, 1))
    layers = (Population("image", (2, 1, 1), ValueSource()), Population("cell", (1, 1, 1), LIF))
    way = Projection("image", "cell", connector, "42.5 pA", receptor="i_offset")
    page = describe(Network(layers, (way,))).markdown()
    assert "0.0425 nA per unit of kernel and value" in page
    assert "source of values" in page


@final
@dataclass(frozen=True, eq=False, repr=False)
class Skipping(KernelConnector):
    """Connections of a package that this project does not know: every ``skip``-th neuron."""

    kernel: np.ndarray
    in_shape: tuple[int, int, int]
    skip: int = 3
    reach: Annotated[float, In("deg")] = 0.625
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    delay: float | None = None

    @property
    def present(self) -> np.ndarray:
        return np.ones(self.kernel.shape, bool)

    def with_kernel(self, kernel: object) -> Skipping:
        raise NotImplementedError

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        raise NotImplementedError


def test_a_connector_of_another_package_says_what_it_is() -> None:
    connector = Skipping(np.full((1, 1, 2, 2), 0.5), (1, 3, 3))
    said = ["".join(p.text for p in one if isinstance(p, Text)) for one in pattern(connector)]
    assert said[0] == (
        "Connections of a package that this project does not know: every skip-th neuron"
    )
    assert {"skip: 3", "reach: 0.625 deg"} <= set(said)
    assert synapses(connector) == len(connector.edges()) == 16


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**62 + 1, "4611686018427387905"), (1e300, r"$1 \times 10^{300}$"), (-0.5, "$-0.5$"),
        (281 / 30, "9.36666666667"), (1e-5, r"$1 \times 10^{-5}$"), (0.1 + 0.2, "0.3"),
        (20.0, "20"), (float("inf"), r"$\infty$"),
    ],
)  # fmt: skip
def test_a_number_is_written_in_full(value: float, text: str) -> None:
    piece = number(value)
    assert (f"${piece.latex}$" if isinstance(piece, Math) else piece.text) == text


def test_rows_that_differ_between_stages_name_their_stages() -> None:
    small = study()
    first = small.stages[0]
    layer = first.network.population("v1")
    changed = dataclasses.replace(layer, parameters={**layer.parameters, "cm": 0.375})
    others = tuple(p for p in first.network.populations if p.name != "v1")
    other = Network((*others, changed), first.network.projections)
    second = dataclasses.replace(first.experiment, network=other, stage="other")
    both = Study("both", (first, Stage(second, other)))
    rows = markdown_cells(describe(both).markdown())
    by_value = {row[3][0]: row[0] for row in rows if len(row) == 4 and row[2] == ["cm"]}
    assert by_value == {
        "0.25 nF": ["v1", f"(stage {first.name})"],
        "0.375 nF": ["v1", "(stage other)"],
    }
    assert ["v1"] in [row[0] for row in rows if len(row) == 4 and row[2] == ["tau"]]


def test_hostile_text_means_nothing_in_either_format() -> None:
    hostile = "a|b $x$ \\input{/etc} %c #d _e_ ^f ~g {h} <i> `j` *k* [l](m) & --n \"o\" 'p'"
    neuron = NeuronModel(
        hostile, "dv/dt = -v/tau : volt", "v > top", "v = 0*v", {"tau": Parameter(10, "ms"),
        "top": Parameter(1, "mV")}, {"membrane": "v"}, reference=hostile + " é ü µ – 漢",
    )  # fmt: skip
    found = describe(Network((Population("cells", (1, 1, 1), neuron),), ()))
    latex = found.latex()
    check_latex(latex)
    assert hostile in unescaped(latex)
    assert r"\'{e} \"{u} \textmu{} \textendash{} {[}U+6F22{]}" in latex
    cells = [line for row in markdown_cells(found.markdown()) for cell in row for line in cell]
    assert hostile in cells
    assert dataclasses.replace(found, title=hostile).markdown().splitlines()[0].count("\\") > 20


def test_a_stage_that_is_trained_says_how() -> None:
    loaded = load("digits_surrogate")
    text = describe(loaded).markdown()
    rows = [row for row in markdown_cells(text) if row[0] == ["stage trained"]]
    told = {row[2][0]: row[3][0] for row in rows if len(row) == 4}
    assert ["Training by gradient"] in [row[1] for row in rows]
    training = loaded.experiments[1].training
    assert training is not None
    assert (told["readout"], told["labels"]) == (training.readout, training.labels)
    assert "trained by gradient; records nothing" in text


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (Study, "name stages title claims seed document files described_by"),
        (Stage, "experiment network weights_from shuffled"),
        (
            Experiment,
            "network stimulus encoding record dt seed stage learning reset input_dt inputs"
            " training",
        ),
        (Record, "spikes signals snapshots"),
        (Sampling, "population variables units period"),
        (
            Population,
            "name shape neuron parameters field_of_view homeostasis competition initial noise",
        ),
        (Projection, "pre post connector weight delay receptor plasticity name"),
        (
            NeuronModel,
            "name equations threshold reset parameters receptors refractory initial reference"
            " integrator",
        ),
        (LearningRule, "w_min w_max half_life growth normalisation"),
    ],
)
def test_a_new_part_of_a_description_has_to_be_told(cls: type, names: str) -> None:
    """Fails for a new field: let a table of scnnbio/description tell it, and name it here."""
    assert {field.name for field in dataclasses.fields(cls)} == set(names.split())


def test_the_tables_alone_have_no_preamble() -> None:
    found = describe(Network((Population("cells", (1, 1, 1), LIF),), ()))
    assert found.latex(whole=False) in found.latex()
    assert "documentclass" not in found.latex(whole=False)
    assert repr(found) == "Description('network': 11 tables of 29 rows)"
    assert found._repr_markdown_() == found.markdown()


def test_something_else_is_refused() -> None:
    with pytest.raises(SpecError, match="is not a Network, an Experiment or a Study"):
        describe(LIF)  # type: ignore[arg-type]
