"""The machine's own ARM code as the oracle of its integer model.

The emulator of cores and routing is part of the package (``scnnbio/backends/spinnaker/arm``), since
users may run it as ``--set backend.target=binaries``. Here it is held against the integer model, on
networks that hypothesis draws, and on single neurons whose parameters a sweep goes through.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise


def driven(network: Network, rate: float = 60.0, **changes: Any) -> Experiment:
    """A network behind Poisson spikes; all spikes and potentials of its neurons are kept."""
    names = tuple(p.name for p in network.populations if not p.is_source)
    settings: dict[str, Any] = {
        "stimulus": WhiteNoise(n_trials=2, duration=40.0, frame=20.0),
        "encoding": Encoding(
            LGN(normalisation_sigma=3.0), PoissonCode(max_rate=3 * rate, spontaneous=rate)
        ),
        "record": Record(names, tuple(Sampling(name, ("v",)) for name in names)),
        "dt": 1.0,
        "seed": 3,
        "reset": False,
    }
    return Experiment(network, **{**settings, **changes})


def assert_bit_exact(experiment: Experiment, **options: Any) -> Run:
    """The integer model does what the ARM code does: every spike, every potential's last bit."""
    model, machine = (
        backends.get("spinnaker", {"target": target, **options}).run(experiment)
        for target in ("emulated", "binaries")
    )
    assert machine.provenance["options"]["target"] == "binaries"
    assert model.provenance["pathways"] == machine.provenance["pathways"]
    numbers = machine.provenance["mapping"]
    assert not any("scales weights differently" in warning for warning in numbers["warnings"])
    told, counted = (
        [row.get("delay extensions") for row in run.provenance["mapping"]["populations"]]
        for run in (model, machine)
    )
    assert told == counted
    for name, expected in machine.recording.spikes.items():
        found = model.recording.spikes[name]
        for column in ("trial", "unit", "time"):
            np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))
        values = machine.recording.signals[name]["v"].values
        np.testing.assert_array_equal(model.recording.signals[name]["v"].values, values)
    return model


@st.composite
def networks(draw: st.DrawFn, cells: str) -> Experiment:
    """One or two layers of cells of one kind; ``"native"`` are LIF that the machine convolves."""
    native, kind = cells == "native", "LIF" if cells == "native" else cells
    shape = (2, draw(st.integers(6, 8)), draw(st.integers(6, 8)))
    dt = draw(st.sampled_from([1.0, 1.0, 0.5]))
    populations = [Population("lgn", shape, SpikeSource())]
    projections: list[Projection] = []
    for name in ["v1", "v2"][: draw(st.integers(1, 2))]:
        pre = populations[-1]
        connector = draw(convolutions(pre.shape, kind != "LIF_cond_exp", native))
        projections.append(
            Projection(
                pre.name,
                name,
                connector,
                weight=_weight(kind, connector, strong=draw(st.floats(1.0, 2.0))),
                delay=dt * draw(st.integers(1, 15)),
                receptor="membrane" if kind == "LIF_curr_delta" else "excitatory",
            )
        )
        populations.append(
            Population(
                name, connector.out_shape, LIBRARY[kind], draw(parameters(kind, connector, dt))
            )
        )
        if not native and connector.out_shape[0] > 1 and draw(st.booleans()):
            projections.append(_rivals(populations[-1], kind, dt * draw(st.integers(1, 8))))
    return driven(
        Network(tuple(populations), tuple(projections)),
        dt=dt,
        stimulus=WhiteNoise(n_trials=1, duration=40.0, frame=20.0),
    )


@st.composite
def convolutions(draw: st.DrawFn, shape: tuple[int, int, int], signed: bool, native: bool) -> Any:
    """A kernel that the machine convolves, or one that it does not."""
    sizes = [(3, 3), (1, 1)] if native else [(3, 3), (1, 1), (2, 2), (2, 3)]
    rows, columns = draw(st.sampled_from(sizes))
    rows, columns = min(rows, shape[1]), min(columns, shape[2])
    padding = (
        1 if native and rows == 3 else draw(st.integers(0, 1)) if min(rows, columns) > 1 else 0
    )
    convolved = rows == columns and rows % 2 == 1
    stride = 1 if native else 2 if convolved else draw(st.sampled_from([1, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    lowest = draw(st.sampled_from([-0.5, 0.0])) if signed else 0.0
    kernel = rng.uniform(lowest, 1.0, (draw(st.integers(1, 3)), shape[0], rows, columns))
    return ConvolutionConnector(kernel, shape, stride=stride, padding=padding)


@st.composite
def parameters(draw: st.DrawFn, kind: str, connector: Any, dt: float) -> dict[str, Any]:
    """Parameters within what cortical neurons have; the membrane's differ from map to map."""
    tau = st.floats(5.0, 40.0)
    found: dict[str, Any] = {
        "tau_m": [draw(tau) for _ in range(connector.out_shape[0])],
        "cm": draw(st.floats(0.2, 2.0)),
        "tau_refrac": dt * draw(st.integers(0, 5)),
        "v_thresh": draw(st.floats(-55.0, -50.0)),
        "v_reset": draw(st.floats(-70.0, -60.0)),
    }
    if kind != "LIF_curr_delta":
        found["tau_syn_E"] = draw(st.floats(1.0, 10.0))
        # Both signs may come from both receptors, which then have to decay alike.
        alike = kind == "LIF" and connector.kernel.min() < 0
        found["tau_syn_I"] = found["tau_syn_E"] if alike else draw(st.floats(1.0, 10.0))
    return found


def _weight(kind: str, connector: Any, strong: float) -> float:
    """A weight of which about a third of the input brings a neuron to threshold."""
    fan_in = float(np.abs(connector.kernel).sum(axis=(1, 2, 3)).max())
    each = {"LIF": 20.0, "LIF_cond_exp": 0.4, "LIF_curr_delta": 60.0}[kind]
    return strong * each / fan_in


def _rivals(layer: Population, kind: str, delay: float) -> Projection:
    weight = {"LIF": -0.4, "LIF_cond_exp": 0.01, "LIF_curr_delta": -1.0}[kind]
    return Projection(
        layer.name,
        layer.name,
        LateralInhibitionConnector(layer.shape, "both", 1),
        weight=weight,
        delay=delay,
        receptor="membrane" if kind == "LIF_curr_delta" else "inhibitory",
        name=f"{layer.name}_rivals",
    )
