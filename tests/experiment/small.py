"""A study small enough to build at once."""

from __future__ import annotations

import numpy as np

from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding, LatencyCode, PoissonCode
from scnnbio.experiment import ClaimBinding, Experiment, Record, Sampling, Stage, Study
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF, NeuronModel, Parameter
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import Gratings, WhiteNoise

OWN = NeuronModel(
    name="Leak",
    equations="dv/dt = (rest - v)/tau + g/cm : volt (unless refractory)\ndg/dt = -g/tau_g : amp",
    threshold="v >= theta",
    reset="v = rest",
    refractory="hold",
    parameters={
        "rest": Parameter(-60, "mV"),
        "theta": Parameter(-50, "mV"),
        "tau": Parameter(12, "ms"),
        "tau_g": Parameter(3, "ms"),
        "cm": Parameter(0.2, "nF"),
        "hold": Parameter(2, "ms"),
    },
    receptors={"excitatory": "g", "membrane": "v"},
    initial={"v": "rest"},
    reference="of the user's own",
)


def network(neuron: NeuronModel = OWN) -> Network:
    """Two maps on 6 x 6 LGN cells, learning, with inhibition."""
    kernel = np.random.default_rng(4).uniform(0.1, 0.9, (2, 2, 3, 3))
    kernel[0, 0, 0, 0] = 0.0
    convolution = ConvolutionConnector(kernel, (2, 6, 6), stride=(1, 2), connect_zeros=False)
    threshold = "theta" if neuron is OWN else "v_thresh"
    layer = Population(
        "v1",
        convolution.out_shape,
        neuron,
        parameters={threshold: [-51.0, -50.5], "cm": 0.25},
        field_of_view=0.7,
        homeostasis=SharedThreshold(eta=0.1, target=(2.0, 3.0), parameter=threshold),
    )
    strength = np.zeros((2, 2, 3, 3))
    strength[0, 1], strength[1, 0] = 0.3, 0.7
    strength[0, 0, 0, 0] = 0.1
    return Network(
        (Population("lgn", (2, 6, 6), SpikeSource()), layer),
        (
            Projection(
                "lgn",
                "v1",
                convolution,
                weight=0.6,
                plasticity=SharedSTDP(a_plus=0.02, bounds="hard", half_life=500.0),
            ),
            Projection(
                "v1",
                "v1",
                LateralInhibitionConnector(layer.shape, "both", 1, strength),
                weight=-2.0,
                delay=0.5,
                receptor="membrane",
                name="rivals",
            ),
        ),
    )


def experiment(**changes: object) -> Experiment:
    """Four trials of noise."""
    settings: dict[str, object] = {
        "network": network(),
        "stimulus": WhiteNoise(n_trials=4, duration=40.0, frame=20.0),
        "encoding": Encoding(LGN(normalisation_sigma=0), LatencyCode(budget=12, window=15.0)),
        "record": Record(
            spikes=("v1",),
            signals=(Sampling("v1", ("v", "g"), units=(0, 3), period=1.0),),
            snapshots=2,
        ),
        "dt": 0.5,
        "seed": 3,
        "stage": "learn",
    }
    return Experiment(**{**settings, **changes})  # type: ignore[arg-type]


def study() -> Study:
    """Learning, then a test on another network with another step and seed."""
    learn, other = experiment(), network(LIF)
    test = experiment(
        network=network(),
        stimulus=Gratings(orientations=(0.0, 45.0), contrast=(0.5, 1.0), duration=40.0),
        encoding=Encoding(LGN(), PoissonCode(gain=30.0)),
        record=Record(spikes=("lgn", "v1")),
        learning=False,
        reset=False,
        dt=0.25,
        input_dt=0.5,
        seed=9,
        stage="test",
    )
    fresh = experiment(network=other, stage="fresh", record=Record(spikes=("v1",)))
    return Study(
        name="own-study",
        stages=(
            Stage(learn, learn.network),
            Stage(test, network(), weights_from="learn"),
            Stage(fresh, other),
        ),
        title='Quotes " and é',
        claims=(
            ClaimBinding("isi_cv", "test", "v1"),
            ClaimBinding(
                "evoked_rate", "fresh", ("lgn", "v1"), "lgn_v1", (0.25, 0.75), (0.0, 5.0), "choice"
            ),
        ),
        seed=3,
    )
