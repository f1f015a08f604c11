"""Every model of the library in one network, each receptor driven by the same photographs.

A population is named as its model and has two maps. Weights are chosen so that every neuron fires,
though not all the time, and that excitation and inhibition both matter; two parameters differ
between the maps.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, LatencyCode
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel, homeostatic
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import Photographs

#: Every model of the library, and one with homeostasis of its own.
MODELS: dict[str, NeuronModel] = {
    **LIBRARY,
    "LIF_homeostatic": homeostatic(LIBRARY["LIF"], eta="0.5 mV", target="20 Hz", tau="50 ms"),
}
#: Those with a state that is not linear; tests/neurons/test_integrator.py holds it to be all.
NOT_LINEAR = (
    "LIF_cond_exp", "LIF_cond_alpha", "LIF_shunting", "LIF_cond_exp_sfa", "AdEx", "Izhikevich",
)  # fmt: skip

SHAPE = (2, 6, 6)
#: Neurons whose states are sampled: two of the first map, one of the second.
UNITS = (0, 5, 21)
_KERNEL = np.random.default_rng(8).uniform(0.2, 1.0, (2, 2, 3, 3))

#: Unit of what a receptor adds to → weight of an excitatory and of an inhibitory receptor, for a
#: membrane of 1 nF and a threshold 15 mV above rest; others are scaled.
_WEIGHTS = {"nA": (3.0, -0.8), "uS": (0.06, 0.03), "mV": (5.0, -2.0)}


def weight(model: NeuronModel, receptor: str) -> float:
    """Weight of a projection, in the unit of the receptor's variable."""
    unit = model.unit_of(model.receptors[receptor])
    excites, inhibits = _WEIGHTS[unit]
    chosen = inhibits if receptor in ("inhibitory", "shunting") else excites
    values = {name: p.default for name, p in model.parameters.items()}
    depth = (values["v_thresh"] - values["v_rest"]) / 15.0 if "v_thresh" in values else 1.0
    return chosen * depth * (values.get("cm", 1.0) if unit != "mV" else 1.0)


def network(names: Iterable[str], scale: float = 1.0, refractory: float = 2.0) -> Network:
    """The models side by side behind one source."""
    populations = [Population("lgn", SHAPE, SpikeSource())]
    projections = []
    for name in names:
        model = MODELS[name]
        connector = ConvolutionConnector(_KERNEL, SHAPE)
        spread = (
            {"cm": model.parameters["cm"].default * np.array([1.0, 1.2])}
            if ("cm" in model.parameters)
            else {}
        )
        populations.append(
            Population(
                name,
                tuple(connector.out_shape),
                model,
                parameters={"tau_refrac": refractory, **spread},
            )
        )
        for k, receptor in enumerate(model.receptors):
            projections.append(
                Projection(
                    "lgn",
                    name,
                    connector,
                    weight=scale * weight(model, receptor),
                    delay=1.0 + k,
                    receptor=receptor,
                    name=f"{name}_{receptor}",
                )
            )
    return Network(tuple(populations), tuple(projections))


def experiment(names: Iterable[str], **changes: object) -> Experiment:
    """Four flashed photographs; every spike is kept, and every state of some neurons."""
    names = tuple(names)
    scale = changes.pop("scale", 1.0)
    settings: dict[str, object] = {
        "network": network(names, scale),  # type: ignore[arg-type]
        "stimulus": Photographs(n_trials=4, duration=60.0),
        "encoding": Encoding(
            LGN(sigma_center=1.0, sigma_surround=2.0, normalisation_sigma=3.0),
            LatencyCode(budget=50, window=40.0, onset=1.0),
        ),
        "record": Record(
            spikes=("lgn", *names),
            signals=tuple(
                Sampling(name, tuple(s.name for s in MODELS[name].states), units=UNITS)
                for name in names
            ),
        ),
        "dt": 0.2,
        "seed": 5,
    }
    return Experiment(**{**settings, **changes})  # type: ignore[arg-type]
