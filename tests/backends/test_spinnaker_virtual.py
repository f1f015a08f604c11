"""What sPyNNaker makes of a network: on a board that is not there, and on one out of reach."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends, workflow
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.backends.spinnaker.machine import Machine
from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import BackendMissing
from scnnbio.experiment import load
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.population import Population, SpikeSource
from tests.oracles.spinnaker_board import driven

pytestmark = [pytest.mark.spinnaker, pytest.mark.slow]

if importlib.util.find_spec("spynnaker") is None:
    pytest.skip("needs sPyNNaker: pip install '.[spinnaker]'", allow_module_level=True)

GRATING = Path(__file__).parents[2] / "experiments" / "v1_grating.toml"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, in which nothing may appear."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "nowhere"))
    return folder


def test_a_mapping_is_told_and_judges_nothing(tmp_path: Path) -> None:
    claims = 'claims=[{claim="evoked_rate", stage="grating", population="v1"}]'
    small = ("dt=1 ms", "stages.grating.stimulus.duration=100 ms", claims)
    study = load(GRATING, settings=small)
    folder = tmp_path / "run"
    results = workflow.run(study, "spinnaker", folder, options={"target": "virtual"})
    told = json.loads((folder / "run.json").read_text())["stages"]["grating"]
    assert told["options"]["target"] == "virtual"
    assert told["versions"]["sPyNNaker"]
    lgn, v1 = told["mapping"]["populations"]
    # 576 neurons at 256 a core; 450 sources at 500 a core.
    assert (lgn["cores"], v1["cores"]) == (1, 3)
    assert told["mapping"]["board"]["cores of the network"] == 4
    # 64 kernels of 2 x 11 x 11 at 9 places, each synapse a word of 4 bytes.
    assert v1["SDRAM (kB)"] > 64 * 2 * 121 * 9 * 4 / 1024
    assert not any("scales weights differently" in text for text in told["mapping"]["warnings"])
    # No neuron was simulated: there is nothing to judge, and no rate of zero.
    assert list(results.recording.spikes) == ["lgn"]
    assert all(score.verdict not in ("agrees", "disagrees") for score in results.scores)


def test_scales_of_weights_are_those_that_spynnaker_chooses() -> None:
    rng = np.random.default_rng(1)
    first = ConvolutionConnector(rng.normal(0.2, 1.0, (3, 2, 5, 5)), (2, 10, 10))
    second = ConvolutionConnector(rng.normal(0.0, 3.0, (2, 3, 2, 2)), first.out_shape)
    network = Network(
        (
            Population("lgn", (2, 10, 10), SpikeSource()),
            Population("v1", first.out_shape, LIF),
            Population("v2", second.out_shape, LIF),
        ),
        (Projection("lgn", "v1", first, delay=4.0), Projection("v1", "v2", second, weight=7.0)),
    )
    run = backends.get("spinnaker", {"target": "virtual"}).run(driven(network))
    # Planes of the native layer have scales of their own, and so have their lists to the next.
    assert run.provenance["pathways"] == {"lgn_v1": "native", "v1_v2": "expanded"}
    assert [row.get("cores") for row in run.provenance["mapping"]["populations"]] == [2, 3, 1]
    assert run.provenance["mapping"]["warnings"] == []


def test_nothing_of_the_process_is_changed(home: Path) -> None:
    def state() -> tuple[object, ...]:
        handlers = [(h, h.filters[:], h.formatter) for h in logging.root.handlers]
        return dict(os.environ), Path.cwd(), handlers, logging.root.manager.disable

    network = Network(
        (Population("lgn", (2, 1, 1), SpikeSource()), Population("v1", (1, 1, 1), LIF)),
        (Projection("lgn", "v1", ConvolutionConnector(np.ones((1, 2, 1, 1)), (2, 1, 1))),),
    )
    before = state()
    backends.get("spinnaker", {"target": "virtual"}).run(driven(network))
    assert state() == before
    assert [path.name for path in home.iterdir() if "spynnaker" in path.name] == []


# Its connection to a board that never answered is left to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
def test_a_board_out_of_reach_is_told_with_a_remedy(home: Path) -> None:
    # Names under .invalid never resolve (RFC 2606).
    text = "[Machine]\nmachine_name = board.invalid\nversion = 5\n"
    (home / ".spynnaker.cfg").write_text(text)
    network = Network(
        (Population("lgn", (2, 1, 1), SpikeSource()), Population("v1", (1, 1, 1), LIF)),
        (Projection("lgn", "v1", ConvolutionConnector(np.ones((1, 2, 1, 1)), (2, 1, 1))),),
    )
    board = backends.get("spinnaker")
    assert board.options["target"] == "board"
    with pytest.raises(BackendMissing, match=r"the run on the board failed.*target=emulated"):
        board.run(driven(network))
    assert (home / ".spynnaker.cfg").read_text() == text


class Recorded:
    """What a population of sPyNNaker's gives out after a run on a board: (neuron, ms), and mV."""

    def __init__(self, spikes: list[list[float]], potentials: np.ndarray) -> None:
        self.tables = {"spikes": np.array(spikes), "v": potentials}

    def spinnaker_get_data(self, name: str, as_matrix: bool = False) -> np.ndarray:
        assert as_matrix == (name == "v")
        return self.tables[name]


def test_what_a_board_recorded_is_put_together() -> None:
    connector = ConvolutionConnector(np.ones((2, 2, 3, 3)), (2, 8, 8))
    network = Network(
        (Population("lgn", (2, 8, 8), SpikeSource()), Population("v1", connector.out_shape, LIF)),
        (Projection("lgn", "v1", connector),),
    )
    lowered = lower(driven(network, dt=0.5))
    assert isinstance(lowered, Lowered)
    nothing = np.zeros(0, dtype=np.int64)
    machine = Machine(lowered, {"lgn": (nothing, nothing)}, {"v1": np.array([0, 3])})
    trace = np.arange(5 * 36, dtype=float).reshape(5, 36)
    # Two planes of 6 x 6 neurons: the second's neurons are numbered from 36 on.
    machine.populations["v1"] = [
        Recorded([[0, 1.5], [35, 0.5]], trace),
        Recorded([[7, 0.5], [0, 2.0]], -trace),
    ]
    found = machine.activity()
    ticks, units = found.spikes["v1"]
    assert ticks.tolist() == [1, 1, 3, 4]
    assert units.tolist() == [35, 43, 0, 36]
    np.testing.assert_array_equal(
        found.potentials["v1"], np.concatenate([trace, -trace], axis=1)[[0, 3]]
    )
