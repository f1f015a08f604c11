"""Values and currents: what is taken, what is refused, and what reaches the neurons."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate

from scnnbio import (
    LIF,
    ConvolutionConnector,
    DenseConnector,
    Experiment,
    LatencyCode,
    Network,
    NeuronModel,
    Parameter,
    PoolingConnector,
    Population,
    Projection,
    Record,
    Sampling,
    SharedSTDP,
    SpikeSource,
    ValueSource,
    backends,
)
from scnnbio.connectors import KernelConnector
from scnnbio.errors import DataError, SpecError, UnsupportedError
from scnnbio.experiment import study_from
from scnnbio.experiment.portions import Portion
from scnnbio.inputs import FromCurrents, FromImages
from scnnbio.neurons.ports import driven, ports
from tests.inputs.networks import experiment

RNG = np.random.default_rng(1)
PIXELS = RNG.uniform(0.0, 1.0, (2, 3, 3, 6, 6))  # trials, frames, and three channels


def injected(values: Any = 0.5, **changes: Any) -> Experiment:
    """A current into two neurons."""
    given = FromCurrents(np.broadcast_to(values, (1, 1, 2)), duration=20.0, unit="nA")
    network = Network((Population("v1", (1, 1, 2), LIF),), ())
    return Experiment(network, inputs={"v1": given}, **changes)


def valued(connector: KernelConnector, given: FromCurrents | None = None, **of: Any) -> Experiment:
    """Pixels before one layer."""
    settings = {"weight": 0.3, "receptor": "i_offset", "delay": 0.1} | of
    network = Network(
        (
            Population("pixels", tuple(connector.in_shape), ValueSource()),
            Population("v1", tuple(connector.out_shape), LIF),
        ),
        (Projection("pixels", "v1", connector, **settings),),
    )
    inputs = {"pixels": given or FromCurrents(PIXELS, frame=10.0)}
    record = Record(signals=(Sampling("v1", ("i_offset",), period=1.0),))
    return Experiment(network, inputs=inputs, record=record)


# ------------------------------------------------------------------------------ what is brought

CONVOLUTION = ConvolutionConnector(RNG.uniform(-1.0, 1.0, (4, 3, 3, 3)), (3, 6, 6), padding=1)
POOLING = PoolingConnector((3, 6, 6), 2, mode="sum")
DENSE = DenseConnector(RNG.uniform(-1.0, 1.0, (10, 108)), (3, 6, 6), (10, 1, 1))


def by_scipy(frame: np.ndarray) -> np.ndarray:
    padded = np.pad(frame, ((0, 0), (1, 1), (1, 1)))
    return np.stack([correlate(padded, kernel, "valid")[0] for kernel in CONVOLUTION.kernel])


@pytest.mark.parametrize(
    ("connector", "expected"),
    [
        (CONVOLUTION, by_scipy),
        (POOLING, lambda frame: frame.reshape(3, 3, 2, 3, 2).sum(axis=(2, 4))),
        (DENSE, lambda frame: DENSE.kernel.reshape(10, 108) @ frame.ravel()),
    ],
    ids=["convolution", "pooling", "dense"],
)
def test_currents_are_sums_of_weight_times_value(connector: Any, expected: Any) -> None:
    """By scipy's correlation, and by matrices: independent of the connector's own edges."""
    run = backends.get("reference").run(valued(connector))
    signal = run.recording.signals["v1"]["i_offset"]
    assert signal.quantity == "nA"
    for sample, trial, time in zip(signal.values, signal.trial, signal.time, strict=True):
        # A value that holds from t on arrives at t + delay, one step of 0.1 ms.
        frame = int(np.floor((time - 0.1) / 10.0 + 1e-9))
        current = 0.3 * expected(PIXELS[trial, frame]).ravel() if frame >= 0 else 0.0
        np.testing.assert_allclose(sample, current, rtol=0, atol=1e-13)
    assert run.provenance["pathways"] == {"pixels_v1": "computed"}


def test_what_is_on_its_way_arrives_in_the_next_trial_or_is_gone() -> None:
    connector = ConvolutionConnector(np.ones((1, 1, 1, 1)), (1, 1, 1))
    values = FromCurrents([[[[2.0]]], [[[3.0]]]], duration=20.0)
    for reset, before in ((True, 0.0), (False, 2.0)):
        one = valued(connector, values, weight=0.1, delay=5.0)
        one = dataclasses.replace(one, reset=reset)
        signal = backends.get("reference").run(one).recording.signals["v1"]["i_offset"]
        expected = 0.1 * np.repeat([0.0, 2.0, before, 3.0], [5, 15, 5, 15])
        np.testing.assert_array_equal(signal.values[:, 0], expected)


def quiet(whole: Experiment) -> Experiment:
    """The same without noise."""
    populations = tuple(dataclasses.replace(p, noise=()) for p in whole.network.populations)
    network = dataclasses.replace(whole.network, populations=populations)
    return dataclasses.replace(whole, network=network)


def test_currents_from_everywhere_add_up() -> None:
    whole = quiet(experiment("values", record=Record(signals=(Sampling("v1", ("i_offset",)),))))
    signal = backends.get("reference").run(whole).recording.signals["v1"]["i_offset"]
    values = np.asarray(whole.inputs["pixels"].values)  # type: ignore[attr-defined]
    kernel = whole.network.projection("pixels_v1").kernel
    injected = np.asarray(whole.inputs["v1"].values)[1, 0] / 1000  # type: ignore[attr-defined]
    # Trial 1, frame 2, later than the delay and the longer lag.
    now = int(np.flatnonzero((signal.trial == 1) & (signal.time == 29.5))[0])
    brought = sum(
        np.stack([correlate(values[1, 2], one, "valid")[0] for one in kernel[..., lag]])
        for lag in range(2)
    )
    expected = 0.15 * brought + injected + np.array([0.1, 0.2])[:, None, None]
    np.testing.assert_allclose(signal.values[now], expected.ravel(), rtol=0, atol=1e-12)


def test_sums_by_afferent_have_the_bits_of_the_drive() -> None:
    frames = FromCurrents(
        RNG.uniform(-1, 1, (2, 4, 3, 6, 6)) * (RNG.random((3, 6, 6)) < 0.4), frame=5
    )
    whole = valued(
        ConvolutionConnector(RNG.normal(size=(5, 3, 3, 3)), (3, 6, 6), padding=1), frames
    )
    drive = whole.lowered.drives["v1"]
    (projected,) = drive.projected["i_offset"]
    table = projected.table
    assert table is not None
    wanted = {c.step: c.values for c in drive.changes(1)}
    assert len(wanted) == 5  # zeros until the delay is over, and four frames
    for step, values in projected.values(1):
        sums = np.zeros(drive._described.size)
        for k in np.flatnonzero(values):
            part = slice(table.first[k], table.first[k + 1])
            np.add.at(sums, table.target[part], table.weight[part] * values[k])
        assert (drive.base("i_offset") + sums).tobytes() == wanted[step].tobytes()


def test_a_portion_keeps_what_its_drive_computed() -> None:
    part = Portion.of(valued(DenseConnector(np.ones((2, 108)), (3, 6, 6))), 1, 1).lowered
    assert part.drives["v1"] is part.drives["v1"]


@pytest.mark.slow
def test_a_conductance_is_a_port() -> None:
    """Held at g, the potential goes to the mean of both reversal potentials by conductance."""
    base = dataclasses.asdict(LIF) | {
        "name": "LIF_g",
        "equations": LIF.equations.replace(" + i_offset", " + g_ext*(e_ext - v) + i_offset"),
        "parameters": {
            **LIF.parameters,
            "g_ext": Parameter(0.0, "uS"),
            "e_ext": Parameter(-55.0, "mV"),
        },
    }
    model = NeuronModel(**{**base, "receptors": LIF.receptors, "initial": LIF.initial})
    assert set(ports(model)) == {"i_offset", "g_ext", "e_ext"}
    given = FromCurrents([[[30.0, 200.0]]], duration=500.0, unit="nS", port="g_ext")
    one = Experiment(
        Network((Population("v1", (1, 1, 2), model),), ()),
        inputs={"v1": given},
        record=Record(signals=(Sampling("v1", ("v",)),)),
    )
    v = backends.get("brian2").run(one).recording.signals["v1"]["v"].values[-1]
    leak, g = 1.0 / 20.0, np.array([0.03, 0.2])  # nF/ms is uS
    np.testing.assert_allclose(v, (leak * -65.0 + g * -55.0) / (leak + g), atol=1e-9)
    # What is linear for a constant conductance is not for one that changes.
    assert any("not linear" in str(p) for p in backends.get("event-driven").unsupported(one))
    below = dataclasses.replace(given, values=[[[-1.0, 0.0]]])
    with pytest.raises(SpecError, match="never negative"):
        backends.get("reference").run(dataclasses.replace(one, inputs={"v1": below}))


def test_values_end_where_they_are_no_longer_shown() -> None:
    whole, part = (
        FromCurrents(np.full((1, 1, 2), 0.5), duration=20.0, unit="nA", shown=shown)
        for shown in (None, 5.0)
    )
    made = dataclasses.replace(injected(dt=0.5), inputs={"v1": part})
    found = [(c.step, c.values.tolist()) for c in made.lowered.drives["v1"].changes(0)]
    assert found == [(0, [0.5, 0.5]), (10, [0.0, 0.0])]
    frames = FromCurrents(np.arange(1.0, 9.0).reshape(4, 1, 1, 2), frame=5.0, unit="nA", shown=12.0)
    made = dataclasses.replace(injected(dt=0.5), inputs={"v1": frames})
    found = [(c.step, c.values.tolist()) for c in made.lowered.drives["v1"].changes(0)]
    assert found == [(0, [1, 2]), (10, [3, 4]), (20, [5, 6]), (24, [0, 0])]
    assert whole.digest() != part.digest()
    assert "shown" not in whole.canonical_fields()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shown": 30.0}, "30 ms are longer than the trial of 20 ms"),
        ({"shown": 0.0}, "is not positive"),
        ({"shown": 0.25}, "0.25 ms is not a whole number of steps of 0.1 ms"),
    ],
)
def test_times_for_which_nothing_can_be_shown(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        FromCurrents(np.ones((1, 1, 1)), duration=20.0, **fields).check_grid(0.1)


def test_a_driven_neuron_steps_as_with_a_constant() -> None:
    """A current that the drive holds is, to the last bits, one that is a parameter."""
    record = Record(("v1",), (Sampling("v1", ("v",)),))
    given = injected([0.4, 0.9], record=record)
    network = Network((Population("v1", (1, 1, 2), LIF, {"i_offset": [[[0.4, 0.9]]]}),), ())
    nothing = FromCurrents(np.zeros((1, 1, 2)), duration=20.0, unit="nA")
    constant = dataclasses.replace(given, network=network, inputs={"v1": nothing})
    one, other = (backends.get("reference").run(e).recording for e in (given, constant))
    np.testing.assert_allclose(
        one.signals["v1"]["v"].values, other.signals["v1"]["v"].values, rtol=0, atol=1e-12
    )
    assert [s.name for s in driven(LIF, ("i_offset",)).states] == [
        "v",
        "I_exc",
        "I_inh",
        "i_offset",
    ]


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("values", "fields", "message"),
    [
        (np.zeros((2, 2)), {"duration": 5.0}, "not .channel, row, column"),
        (np.zeros((2, 3, 1, 2, 2)), {"duration": 5.0}, "give frame"),
        (np.zeros((1, 2, 2)), {"frame": 5.0}, "not .frame, channel"),
        (np.zeros((1, 2, 2)), {}, "not positive"),
        (np.zeros((3, 1, 2, 2)), {"frame": 5.0, "duration": 10.0}, "last 15 ms"),
        (np.full((1, 2, 2), np.nan), {"duration": 5.0}, "not finite"),
        (np.zeros((1, 2, 2)), {"duration": 5.0, "unit": "furlong"}, "furlong"),
        (np.zeros((1, 2, 2)), {"duration": 5.0, "port": "no port"}, "not a name"),
        (np.zeros((1, 2, 2)), {"duration": 5.0, "trials": {"a": [1, 2]}}, "not a column of 1"),
    ],
)
def test_arrays_that_do_not_fit(values: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        FromCurrents(values, **fields)


def test_inputs_of_the_wrong_kind() -> None:
    ok = injected()
    spikes = FromImages(np.zeros((1, 1, 2)), LatencyCode(budget=1), duration=20.0)
    current = ok.inputs["v1"]
    for inputs, message in (
        ({"v1": spikes}, "inject a current by FromCurrents"),
        ({"v1": dataclasses.replace(current, unit="1")}, "give unit = 'nA'"),
        ({"v1": dataclasses.replace(current, unit="mV")}, "values in mV"),
        ({"v1": dataclasses.replace(current, port="tau_m")}, "no port 'tau_m'"),
        ({"v2": current}, "'v2' is not a population"),
    ):
        with pytest.raises(SpecError, match=message):
            dataclasses.replace(ok, inputs=inputs)
    sources = Network((Population("s", (1, 1, 2), SpikeSource()),), ())
    with pytest.raises(SpecError, match="make it a ValueSource"):
        Experiment(sources, inputs={"s": dataclasses.replace(current, unit="1")})
    values = Network((Population("s", (1, 1, 2), ValueSource()),), ())
    with pytest.raises(SpecError, match="make it a SpikeSource"):
        Experiment(values, inputs={"s": spikes})
    with pytest.raises(SpecError, match="no unit"):
        Experiment(values, inputs={"s": current})
    plain = dataclasses.replace(current, unit="1")
    with pytest.raises(SpecError, match="fires no spikes"):
        Experiment(values, inputs={"s": plain}, record=Record(("s",)))
    with pytest.raises(SpecError, match="whole number of steps"):
        valued(CONVOLUTION, FromCurrents(PIXELS, frame=10.05))


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"receptor": "excitatory"}, "no port 'excitatory'"),
        ({"plasticity": SharedSTDP()}, "no spikes to learn from"),
        ({"weight": "1 mV"}, "voltage"),
    ],
)
def test_projections_that_values_do_not_take(of: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        valued(ConvolutionConnector(np.full((1, 3, 3, 3), 0.5), (3, 6, 6)), **of)


def test_first_spikes_of_values_are_refused() -> None:
    with pytest.raises(SpecError, match="no first spike"):
        valued(PoolingConnector((3, 6, 6), 2, mode="first-spike"))


def test_values_later_than_a_trial_are_refused_where_trials_run_on() -> None:
    late = valued(CONVOLUTION, delay=31.0)
    with pytest.raises(SpecError, match="exceeds the trial"):
        dataclasses.replace(late, reset=False)


def test_the_machine_refuses_them_with_a_remedy() -> None:
    for one in (injected(), valued(CONVOLUTION)):
        with pytest.raises(UnsupportedError, match="FromImages with a code"):
            backends.get("spinnaker").run(one)


# ------------------------------------------------------------------------------ files


def document(**given: Any) -> dict[str, Any]:
    return {
        "name": "drive",
        "network": {"populations": [{"name": "v1", "shape": [1, 1, 2], "neuron": "LIF"}],
                    "projections": []},
        "stages": {"step": {"inputs": {"v1": {"kind": "currents", **given}}}},
    }  # fmt: skip


def test_files_of_numpy(tmp_path: Path) -> None:
    values = RNG.uniform(0.0, 900.0, (2, 4, 1, 1, 2))
    np.save(tmp_path / "step.npy", values)
    np.savez(tmp_path / "step.npz", values=values, label=np.array([3, 7]))
    rest = {"frame": "5 ms", "unit": "pA"}
    ours = FromCurrents(values, frame=5.0, unit="pA")
    by_npy = study_from(document(file="step.npy", **rest), folder=tmp_path)
    assert by_npy.experiments[0].inputs["v1"] == ours
    assert [s.role for s in by_npy.sources] == ["stimulus"]
    by_npz = study_from(document(file="step.npz", **rest), folder=tmp_path)
    assert by_npz.experiments[0].trial_table()["label"].tolist() == [3, 7]
    inline = study_from(document(values=values.tolist(), **rest))
    assert inline.experiments[0].inputs["v1"] == ours


def test_files_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "words.npy").write_bytes(b"no numbers")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "other.npz", currents=np.zeros((1, 1, 2)))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    whole = io.BytesIO()
    np.savez_compressed(whole, values=np.zeros((1, 1, 2)))
    (tmp_path / "cut.npz").write_bytes(whole.getvalue()[:-30])
    for name, message in {
        "absent.npy": "cannot be read",
        "words.npy": "is not an npy or npz file",
        "objects.npy": "without Python objects",
        "other.npz": "no array 'values'",
        "text.npy": "instead of numbers",
        "cut.npz": "is not an npy or npz file",
    }.items():
        with pytest.raises(DataError, match=message):
            study_from(document(file=name, duration=10.0), folder=tmp_path)


def test_which_inputs_repeat_their_values() -> None:
    same, other = np.ones((3, 1, 1, 2)), np.ones((3, 1, 1, 2))
    other[2, 0, 0, 1] = 2.0
    assert FromCurrents(same, duration=4.0).repeats
    assert FromCurrents(same[:1], duration=4.0).repeats
    assert not FromCurrents(other, duration=4.0).repeats
    assert not FromCurrents(other[1:], duration=4.0).repeats
