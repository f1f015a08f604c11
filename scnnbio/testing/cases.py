"""One small experiment for each feature that a backend can declare.

Each requires as few other features as possible: one layer of LIF neurons behind a source that fires
at random. Layers are named ``layer``, sources ``source``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
from scnnbio.distributions import LogNormal, Uniform
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Feature, Record, Sampling
from scnnbio.experiment.gradient import BySurrogates
from scnnbio.experiment.training import Training
from scnnbio.geometry import Edges
from scnnbio.inputs import FromCurrents, FromSpikes, Input
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel, OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.plasticity import (
    MSTDP,
    MSTDPET,
    EachStep,
    Growth,
    LearningRule,
    Normalisation,
    Reward,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.stimuli import WhiteNoise

SHAPE = (2, 6, 6)
_LIF = LIBRARY["LIF"]
_TRACES = {"x": Trace("pre", 20.0), "y": Trace("post", 20.0)}


class Reversed(KernelConnector):
    """A kind of connector outside scnnbio: neuron i to the i-th from the end."""

    def __init__(self) -> None:
        fields: dict[str, Any] = {
            "in_shape": SHAPE,
            "stride": (1, 1),
            "padding": (0, 0),
            "delay": None,
            "kernel": np.full((1, 1, 1, 1), 6.0),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """The shape of the layer before."""
        return self.in_shape

    @property
    def present(self) -> NDArray[np.bool_]:
        """The only weight."""
        return np.ones((1, 1, 1, 1), dtype=bool)

    def with_kernel(self, kernel: ArrayLike) -> Reversed:
        """Refuse other weights."""
        raise NotImplementedError

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """Return 1: the weight has its own sign."""
        return 1.0

    def edges(self) -> Edges:
        """Every neuron of the layer once, from the last to the first."""
        neurons = np.arange(np.prod(self.in_shape), dtype=np.int64)
        return Edges(neurons, neurons[::-1].copy(), np.zeros_like(neurons))


class Hebbian(LearningRule):
    """A kind of learning rule outside scnnbio: a kernel grows by the product of its traces."""

    def as_traces(self) -> TraceRule:
        """The rule on traces."""
        return TraceRule(traces=_TRACES, on_pre="0.01*y", on_post="0.01*x")


def _kernel(low: float = 0.2, shape: Sequence[int] = (2, 2, 3, 3)) -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(low, 0.9, shape)


def _convolution(low: float = 0.2, **options: Any) -> ConvolutionConnector:
    return ConvolutionConnector(_kernel(low), SHAPE, **options)


def _case(
    connector: KernelConnector | None = None,
    neuron: NeuronModel = _LIF,
    *,
    receptor: str = "excitatory",
    weight: float = 1.2,
    plasticity: LearningRule | None = None,
    within: tuple[KernelConnector, float] | None = None,
    trials: int = 1,
    reset: bool = True,
    sampled: tuple[str, ...] = (),
    snapshots: int = 0,
    parameters: dict[str, Any] | None = None,
    **layer: Any,
) -> Experiment:
    """Noise before one small layer, with a projection within the layer if one is given."""
    connector = connector or _convolution()
    held = {neuron.refractory: 0.0} if neuron.refractory else {}
    layers = (
        Population("source", SHAPE, SpikeSource()),
        Population(
            "layer", connector.out_shape, neuron, parameters={**held, **(parameters or {})}, **layer
        ),
    )
    projections = [
        Projection(
            "source", "layer", connector, weight=weight, receptor=receptor, plasticity=plasticity
        )
    ]
    if within is not None:
        projections.append(
            Projection("layer", "layer", within[0], weight=within[1], receptor="inhibitory")
        )
    signals = (Sampling("layer", sampled),) if sampled else ()
    return Experiment(
        Network(layers, tuple(projections)),
        WhiteNoise(n_trials=trials, duration=45.0, frame=15.0),
        Encoding(LGN(), PoissonCode(gain=40.0, spontaneous=40.0)),
        Record(spikes=("source", "layer"), signals=signals, snapshots=snapshots),
        reset=reset,
    )


def _lateral(profile: Gaussian | None = None) -> tuple[KernelConnector, float]:
    shape = tuple(_convolution().out_shape)
    return LateralInhibitionConnector(shape, "both", 1, profile=profile), -1.0


def _same_layer() -> KernelConnector:
    kernel = np.array([[[[0.0]], [[1.0]]], [[[1.0]], [[0.0]]]])
    return ConvolutionConnector(kernel, tuple(_convolution().out_shape))


def _injected() -> Experiment:
    """Noise before a layer into which another current is injected in each frame."""
    base = _case()
    shape = (3, *base.network.population("layer").shape)
    currents = np.random.default_rng(5).uniform(-200.0, 900.0, shape)
    return _with_inputs(base, layer=FromCurrents(currents, frame=15.0, unit="pA"))


def _valued() -> Experiment:
    """Noise and values of pixels before one layer; its kernel has both signs and two lags."""
    base = _case()
    kernel = np.random.default_rng(6).uniform(-0.3, 0.6, (2, 2, 3, 3, 2))
    connector = ConvolutionConnector(kernel, SHAPE, lags=[0.0, 6.0])
    network = Network(
        (*base.network.populations, Population("pixels", SHAPE, ValueSource())),
        (
            *base.network.projections,
            Projection("pixels", "layer", connector, weight=0.15, receptor="i_offset"),
        ),
    )
    values = np.random.default_rng(7).uniform(0.0, 1.0, (3, *SHAPE))
    return _with_inputs(base, network, pixels=FromCurrents(values, frame=15.0))


def _with_inputs(base: Experiment, network: Network | None = None, **inputs: Input) -> Experiment:
    """The experiment with further inputs beside that of the source."""
    return dataclasses.replace(
        base,
        network=network or base.network,
        stimulus=None,
        encoding=None,
        inputs={"source": base.inputs["source"], **inputs},
    )


_BUILDERS: dict[Feature, Callable[[], Experiment]] = {
    Feature.INPUT_SPIKES: _case,
    Feature.INPUT_VALUES: _valued,
    Feature.INPUT_CURRENT: _injected,
    Feature.POISSON_NOISE: lambda: _case(noise=PoissonNoise(90.0, 1.5), weight=0.9),
    Feature.WANDERING_NOISE: lambda: _case(noise=OrnsteinUhlenbeckNoise(0.3, 0.3, 5.0), weight=0.9),
    Feature.CONVOLUTION: _case,
    Feature.POOLING: lambda: _case(PoolingConnector(SHAPE, 2), weight=6.0),
    Feature.FIRST_SPIKE: lambda: _case(
        PoolingConnector(SHAPE, 2, mode="first-spike", window=15.0), weight=16.0
    ),
    Feature.LATERAL_INHIBITION: lambda: _case(within=_lateral()),
    Feature.INHIBITION_BY_DISTANCE: lambda: _case(within=_lateral(Gaussian(1.0))),
    Feature.DENSE: lambda: _case(
        DenseConnector(_kernel(0.1, (24, 72)), SHAPE, (2, 3, 4)), weight=0.3
    ),
    Feature.LOCAL: lambda: _case(LocalConnector(_kernel(0.2, (2, 4, 4, 2, 3, 3)), SHAPE)),
    Feature.EDGE_LIST: lambda: _case(
        EdgeListConnector(SHAPE, SHAPE, FixedInDegree(6, seed=1)), weight=2.0
    ),
    Feature.OTHER_CONNECTIONS: lambda: _case(Reversed(), weight=2.0),
    Feature.STRIDE: lambda: _case(
        ConvolutionConnector(_kernel(0.2, (8, 2, 3, 3)), SHAPE, stride=2)
    ),
    Feature.PADDING: lambda: _case(_convolution(padding=1)),
    Feature.GROUPS: lambda: _case(
        ConvolutionConnector(_kernel(0.2, (2, 1, 3, 3)), SHAPE, groups=2), weight=2.4
    ),
    Feature.LAGS: lambda: _case(
        ConvolutionConnector(_kernel(0.1, (2, 2, 3, 3, 2)), SHAPE, lags=[0.0, 3.0]), weight=0.8
    ),
    Feature.BOTH_SIGNS: lambda: _case(_convolution(-0.2), weight=1.8),
    Feature.RECURRENCE: lambda: _case(within=(_same_layer(), -2.0)),
    Feature.STANDARD_CELL: _case,
    Feature.OWN_EQUATIONS: lambda: _case(neuron=LIBRARY["IF"], weight=0.8),
    Feature.NONLINEAR: lambda: _case(neuron=LIBRARY["Izhikevich"], weight=0.02),
    Feature.CONDUCTANCES: lambda: _case(neuron=LIBRARY["LIF_cond_exp"], weight=0.03),
    Feature.SYNAPTIC_STATES: _case,
    Feature.JUMPS: lambda: _case(neuron=LIBRARY["LIF_curr_delta"], receptor="membrane", weight=4.0),
    Feature.FORWARD_EULER: lambda: _case(neuron=_forward_euler()),
    Feature.RESET_OF_STATES: lambda: _case(neuron=LIBRARY["LIF_sfa"], weight=2.0),
    Feature.REFRACTORY: lambda: _case(parameters={"tau_refrac": 3.0}, weight=1.8),
    Feature.VALUES_PER_CHANNEL: lambda: _case(
        parameters={"tau_m": [10.0, 20.0], "v_thresh": [-50.0, -52.0]}
    ),
    Feature.VALUES_PER_NEURON: lambda: _case(parameters={"tau_m": LogNormal("16 ms", 0.3, seed=1)}),
    Feature.INITIAL_POTENTIAL: lambda: _case(initial={"v": Uniform("-65 mV", "-51 mV", seed=1)}),
    Feature.INITIAL_STATES: lambda: _case(initial={"I_exc": [1.0, 4.0]}),
    Feature.SHARED_STDP: lambda: _learning(SharedSTDP(a_plus=0.05, a_minus=0.02)),
    Feature.TRIPLET_STDP: lambda: _learning(TripletSTDP.published("visual-cortex")),
    Feature.TRACE_RULE: lambda: _learning(
        TraceRule(traces=_TRACES, on_pre="-0.02*y*w", on_post="0.03*x*(1 - w)")
    ),
    Feature.MSTDP: lambda: _learning(
        MSTDP(a_plus=0.005, a_minus=0.003, reward=Reward("layer", (1.0, -0.4), 3.0, tau=9.0))
    ),
    Feature.MSTDPET: lambda: _learning(
        MSTDPET(a_plus=0.001, a_minus=0.0004, reward=Reward("layer", (0.5, -0.2), 2.0)), trials=2
    ),
    Feature.OTHER_RULE: lambda: _learning(Hebbian(w_max=2.0)),
    Feature.REWARD: lambda: _learning(
        TraceRule(
            traces=_TRACES,
            on_pre="-a_minus*y",
            on_post="a_plus*x",
            parameters={"a_plus": 0.03, "a_minus": 0.02},
            reward=Reward("source", 0.001, tau=20.0),
            eligibility=15.0,
        )
    ),
    Feature.EACH_STEP: lambda: _learning(
        TraceRule(
            traces={"x": Trace("pre", 20.0)},
            parameters={"eta": 3e-7, "theta": -50.0, "width": 15.0},
            each_step=EachStep(
                "eta*(I_exc - 3)*e",
                states={"v": "mV", "I_exc": "nA"},
                eligible="x*clip(1 - abs(v - theta)/width, 0, 1)",
                tau=15.0,
            ),
        ),
        trials=2,
    ),
    Feature.NEAREST_PAIRING: lambda: _learning(
        SharedSTDP(a_plus=0.05, a_minus=0.02, pairing="nearest")
    ),
    Feature.POWER_BOUNDS: lambda: _learning(
        SharedSTDP(a_plus=0.05, a_minus=0.02, bounds="power", mu=0.4)
    ),
    Feature.HALF_LIFE: lambda: _learning(SharedSTDP(a_plus=0.05, half_life=30.0)),
    Feature.GROWTH: lambda: _learning(
        SharedSTDP(a_plus=0.02, growth=Growth(every=1, limit=3.0)), trials=3
    ),
    Feature.NORMALISATION: lambda: _learning(
        SharedSTDP(a_plus=0.05, normalisation=Normalisation(9.0, period=15.0))
    ),
    Feature.SHARED_THRESHOLD: lambda: _case(
        homeostasis=SharedThreshold(eta=0.5, target=20.0), weight=2.0
    ),
    Feature.WINNERS_LEARN: lambda: _learning(SharedSTDP(a_plus=0.05), competition=WinnerTakeAll()),
    Feature.WINNERS_SILENCE: lambda: _case(competition=WinnerTakeAll(silence=True), weight=2.4),
    Feature.SNAPSHOTS: lambda: _learning(SharedSTDP(a_plus=0.05), trials=2, snapshots=2),
    Feature.GRADIENT: lambda: _to_train(epochs=10),
    Feature.RESET: lambda: _case(trials=2),
    Feature.RUN_ON: lambda: _case(trials=2, reset=False),
    Feature.SAMPLED_POTENTIAL: lambda: _case(sampled=("v",), weight=0.3),
    Feature.SAMPLED_STATES: lambda: _case(sampled=("I_exc",), weight=0.3),
}


def _forward_euler() -> NeuronModel:
    return dataclasses.replace(_LIF, name="LIF_euler", integrator="forward-euler")


def _to_train(epochs: int) -> Experiment:
    """Two trials, each with spikes of one channel of the source, to be told apart."""
    network = _case().network
    plane = SHAPE[1] * SHAPE[2]
    shown = FromSpikes(
        np.tile([1.0, 4.0, 7.0], 2 * plane), np.repeat(np.arange(2 * plane), 3),
        np.repeat([0, 1], 3 * plane), size=SHAPE, n_trials=2, duration=15.0,
        trials={"label": [0, 1]},
    )  # fmt: skip
    return Experiment(
        network, inputs={"source": shown}, dt=0.5,
        training=BySurrogates("layer", settings=Training(epochs=epochs, learning_rate=0.1)),
    )  # fmt: skip


def _learning(rule: LearningRule, **rest: Any) -> Experiment:
    return _case(plasticity=rule, **rest)


@functools.cache
def case(feature: Feature) -> Experiment:
    """The experiment that requires a feature.

    Parameters
    ----------
    feature : Feature

    Returns
    -------
    Experiment
    """
    return _BUILDERS[feature]()
