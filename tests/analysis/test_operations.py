"""Operations of a run by counting spike by spike, NeuroBench's numbers, and energies by hand."""

import numpy as np
import pytest

from scnnbio import (
    LIF,
    ConvolutionConnector,
    Experiment,
    Network,
    Population,
    Projection,
    SpikeSource,
    backends,
)
from scnnbio.analysis.energy import energy, machines
from scnnbio.analysis.operations import operations
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Record
from scnnbio.inputs import FromSpikes

#: What NeuroBench 2.3.0 gave: tests/oracles/neurobench_numbers.py.
NEUROBENCH: dict[str, float] = {
    "parameter_count": 220,
    "connection_sparsity": 0.0419,
    "activation_sparsity": 0.8534883720930233,
    "effective_macs": 6480.0,
    "effective_acs": 622.0,
    "dense_synops": 12800.0,
}


@pytest.fixture(scope="module")
def converted():
    pytest.importorskip("torch")
    from scnnbio.conversion import convert
    from tests.oracles import neurobench_numbers as oracle

    found = convert(oracle.module(), oracle.images())
    run = backends.get("reference").run(found.experiment(oracle.images(), steps=oracle.STEPS))
    return found, run


@pytest.mark.filterwarnings("ignore::scnnbio.conversion.ConversionWarning")
def test_neurobench_names_and_numbers(converted):
    found = operations(converted[1]).neurobench()
    assert found == pytest.approx(NEUROBENCH, rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_neurobench_itself_still_gives_these_numbers(converted):
    pytest.importorskip("neurobench", reason="pip install --no-deps neurobench snntorch tqdm")
    from tests.oracles import neurobench_numbers as oracle

    made, run = converted
    kernels = {path.name: np.asarray(path.kernel) for path in made.network.projections}
    steps = round(float(run.recording.trials["duration"][0]) / made.dt)
    assert oracle.numbers(kernels, steps) == pytest.approx(NEUROBENCH, rel=1e-9)


def small(reset=True, record=("a", "b")):
    kernel = np.array([[[[1.0, 0.0, 2.0]]], [[[3.0, 4.0, 5.0]]]])
    connector = ConvolutionConnector(kernel, (1, 1, 5))
    network = Network(
        (
            Population("a", (1, 1, 5), SpikeSource()),
            Population("b", connector.out_shape, LIF),
        ),
        (Projection("a", "b", connector, weight=1e-3, delay=2.0),),
    )
    # The last spike of a trial arrives after its end.
    time, unit, trial = [1.0, 2.0, 9.0, 4.0], [0, 2, 2, 4], [0, 0, 0, 1]
    given = FromSpikes(time, unit, trial, size=(1, 1, 5), n_trials=2, duration=10.0)
    experiment = Experiment(
        network, inputs={"a": given}, record=Record(record), dt=1.0, reset=reset
    )
    return backends.get("reference").run(experiment)


def test_every_arrival_is_counted():
    # Units 0 and 4 are in one window of three, unit 2 in all three; two maps; one element is 0.
    found = operations(small())
    path = found.paths[0]
    assert path.operations == 2 * 1 + 2 * 3 + 2 * 1
    # Through elements other than 0: unit 0 meets element 0 of both maps, unit 4 element 2, unit 2
    # all three, of which one of the first map is 0.
    assert path.accumulated == 2 + 5 + 2
    assert (path.connections, path.effective, path.parameters, path.zeros) == (18, 15, 6, 1)
    assert (found.spikes, found.n_trials, found.steps) == (4, 2, 20)
    assert found.updates == 6 * 20
    assert found.dense == 2 * 18
    states = len(LIF.states)
    assert found.memory == 8 * (3 * 10 + 2 * states * 120)
    # Without a reset the late spike arrives in the next trial.
    assert operations(small(reset=False)).paths[0].operations == 10 + 6


def test_spikes_that_were_not_recorded_are_asked_for():
    with pytest.raises(SpecError, match=r"'a' were not recorded.*record.spikes"):
        operations(small(record=("b",)))


def test_energy_by_hand():
    found, known = operations(small()), machines()
    assert set(known) == {"arithmetic", "cpu", "gpu", "spinnaker", "loihi"}
    assert all(machine.source for machine in known.values())
    chip = energy(found, known["loihi"])
    assert chip.dense is None
    # 10 operations and 120 updates in two trials.
    assert chip.spiking == pytest.approx(
        ((10 * 23.6 + 120 * 52) / 2 * 1e-12, (10 * 23.6 + 120 * 81) / 2 * 1e-12)
    )
    plain = energy(found, known["arithmetic"])
    assert plain.dense == pytest.approx((18 * 4.6e-12,) * 2)


def test_a_table_of_ones_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[mine]\nsource = "measured"\nsynapse = 2\nupdate = [0, 1]\n')
    assert machines(file)["mine"].synapse == (2.0, 2.0)
    for text, wrong in (
        ("[mine]\nsynapse = 1\nupdate = 1", "source"),
        ('[m]\nsource = "x"\nsynapse = [2, 1]\nupdate = 1', "lowest first"),
        ('[m]\nsource = "x"\nsynapse = "a"\nupdate = 1', "in pJ"),
        ('[m]\nsource = "x"\nsynapse = nan\nupdate = 1', "in pJ"),
        ('[m]\nsource = "x"\nsynapse = 1\nupdate = 1\ncost = 1', "unknown key 'cost'"),
        ("m = 3", "is not a table"),
    ):
        file.write_text(text)
        with pytest.raises(SpecError, match=wrong):
            machines(file)
    file.write_text("[")
    with pytest.raises(DataError, match="cannot be read"):
        machines(file)


def test_energies_are_written_with_a_unit():
    from scnnbio.cli.energy import _range

    assert _range((1e-9, 2e-6)) == "0.001 to 2 uJ"
    assert _range((0.0, 0.0)) == "0 pJ"
    assert _range((3e-3, 3e-3)) == "3 mJ"
