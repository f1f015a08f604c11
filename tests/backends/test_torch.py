"""The torch backend runs the library's own steps: held against the reference, forwards."""

from __future__ import annotations

import ast
import dataclasses

import numpy as np
import pytest

from scnnbio import _torch, backends
from scnnbio.connectors import ConvolutionConnector, PoolingConnector
from scnnbio.encoding import PoissonCode
from scnnbio.errors import BackendMissing, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.inputs import FromImages, FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.neurons.arithmetic import FUNCTIONS, value
from scnnbio.neurons.parsing import real
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import Photographs
from tests.backends.test_finite import BLOWS
from tests.contract.driven import MODELS
from tests.contract.driven import experiment as driven

torch = pytest.importorskip("torch")

from scnnbio.backends.torch.expressions import compiled  # noqa: E402
from scnnbio.backends.torch.order import stages  # noqa: E402
from scnnbio.backends.torch.running import Running  # noqa: E402

SHAPE = (2, 5, 5)
RNG = np.random.default_rng(4)


pytestmark = pytest.mark.usefixtures("one_thread")


def same(experiment: Experiment) -> None:
    """Spikes of the reference, and signals to the last digits."""
    oracle = backends.get("reference").run(experiment).recording
    found = backends.get("torch").run(experiment).recording
    for name in experiment.record.spikes:
        ours, theirs = found.spikes_of(name), oracle.spikes_of(name)
        assert len(theirs.time), name
        for column in ("time", "unit", "trial"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column))
    for name, variables in oracle.signals.items():
        for variable, signal in variables.items():
            mine = found.signals[name][variable]
            np.testing.assert_allclose(mine.values, signal.values, rtol=1e-9, atol=1e-9)
            np.testing.assert_array_equal(mine.trial, signal.trial)
            np.testing.assert_array_equal(mine.time, signal.time)


def looped(**changes: object) -> Experiment:
    """A source, two layers that feed one another with lags and first spikes, and one behind."""
    shape = (2, 3, 3)
    forward = ConvolutionConnector(RNG.uniform(0, 1, (2, 2, 3, 3)), SHAPE)
    lagged = ConvolutionConnector(
        RNG.normal(0, 1, (2, 2, 1, 1, 2)), shape, lags=["0 ms", "2 ms"], connect_zeros=False
    )
    pool = PoolingConnector(shape, 3, mode="first-spike", window=5.0)
    lif, shift = LIBRARY["LIF"], {"tau_refrac": [1.0, 0.5]}
    network = Network(
        (
            Population("eye", SHAPE, SpikeSource()),
            Population("one", shape, lif, {"cm": [0.5, 0.6]}),
            Population("two", shape, LIBRARY["LIF_cond_exp"], {**shift, "cm": 0.6}),
            Population("pool", (2, 1, 1), LIBRARY["LIF_curr_delta"], {"v_thresh": -64.0}),
        ),
        (
            Projection("eye", "one", forward, weight=3.0, delay=0.5),
            Projection("one", "two", lagged.split_by_sign()[0], weight=0.3, delay=1.0),
            Projection("two", "one", lagged, weight=2.0, delay=0.5),
            Projection("two", "pool", pool, weight=3.0, delay=1.0, receptor="membrane"),
        ),
    )
    images = RNG.uniform(0, 1, (5, 5, 5, 2))
    sampled = (Sampling("one", ("v", "I_exc"), units=(0, 7), period=1.5),)
    settings: dict[str, object] = {
        "inputs": {"eye": FromImages(images, PoissonCode(gain=120.0), duration=20.0)},
        "record": Record(spikes=("eye", "one", "two", "pool"), signals=sampled),
        "dt": 0.5,
    }
    return Experiment(network, **{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("at_once", [None, 1000])
def test_loops_lags_and_first_spikes_side_by_side_and_in_pieces(
    reset: bool, at_once: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials in several batches, and cut into pieces of a few steps that carry all that is due."""
    if at_once is not None:
        monkeypatch.setattr("scnnbio.backends.torch.running._AT_ONCE", at_once)
        running = Running(looped(reset=reset))
        assert running.piece < 40
        assert running.side_by_side < 5
    same(looped(reset=reset))


def test_populations_come_in_the_order_of_what_feeds_them() -> None:
    found = stages(looped().network)
    assert found == [("one", "two"), ("pool",)]


@pytest.mark.slow
def test_every_model_of_the_library_takes_the_references_step() -> None:
    same(driven(MODELS, stimulus=Photographs(n_trials=1, duration=60.0)))


def test_a_state_that_is_not_finite_is_told_as_the_reference_tells_it() -> None:
    """In the earliest trial, whichever trial of a batch it is in."""
    one = ConvolutionConnector(np.ones((1, 1, 1, 1)), (1, 1, 2))
    network = Network(
        (Population("eye", (1, 1, 2), SpikeSource()), Population("cell", (1, 1, 2), BLOWS)),
        (Projection("eye", "cell", one, weight=3.0, receptor="membrane"),),
    )
    spikes = FromSpikes(
        [4.0, 2.0, 6.0], [1, 0, 1], [2, 1, 1], size=(1, 1, 2), n_trials=3, duration=8.0
    )
    case = Experiment(network, inputs={"eye": spikes}, record=Record(("cell",)), dt=1.0)
    told = []
    for name in ("reference", "torch"):
        with (
            np.errstate(invalid="ignore", over="ignore"),
            pytest.raises(SpecError, match="became infinite") as error,
        ):
            backends.get(name).run(case)
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "trial 1" in told[0]


#: Every operation that an expression may hold.
TEXTS = [
    "a + b*c - a/b", "a // b + a % b", "-a // b", "a**2 + b**c", "abs(-a) + sqrt(b)",
    "int(a > b) + int(-c*3)", "int(a > 1 and not b < 2 or c == 0.5)", "clip(a*10, -1, b)",
    "exprel(a) + exprel(b - b) + exprel(1e-6*a) + exprel(-40*b)", "int(a != 1) * +b",
    *(f"{f}(c)" for f in FUNCTIONS if f not in ("clip", "exprel", "int")),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_expressions_mean_what_they_mean_everywhere(text: str) -> None:
    names = {"a": np.array([-3.7, 1.0, 9.25]), "b": np.array([0.5, 2.0, 4.0]), "c": np.array([0.5])}
    wanted = value(real(text), names)
    found = compiled(text)({n: torch.as_tensor(v) for n, v in names.items()})
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-14, equal_nan=True)


def test_all_functions_of_expressions_are_tried() -> None:
    used = {n.func.id for t in TEXTS for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Call)}
    assert used == set(FUNCTIONS)


def test_what_learns_is_refused_with_what_to_do() -> None:
    from scnnbio.experiment import Feature
    from scnnbio.testing.cases import case

    with pytest.raises(UnsupportedError, match=r"SharedSTDP is not available on torch.* train"):
        backends.get("torch").run(case(Feature.SHARED_STDP))


def test_torch_that_is_missing_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _torch.importlib.util.find_spec
    monkeypatch.setattr(
        _torch.importlib.util, "find_spec",
        lambda name, *rest: None if name == "torch" else found(name, *rest),
    )  # fmt: skip
    monkeypatch.setattr(_torch.sys, "version_info", (3, 11, 7))
    backend = backends.get("torch")
    assert "torch" in backend.missing()
    assert ".[torch]" in backend.missing()
    with pytest.raises(BackendMissing, match=r"torch not found: pip install '\.\[torch\]'"):
        backend.run(dataclasses.replace(looped()))
    monkeypatch.setattr(_torch.sys, "version_info", (3, 12, 1))
    assert "CPU build" in backend.missing()
