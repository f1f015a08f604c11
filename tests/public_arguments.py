"""Arguments with which the tests call what is public; see ``test_quantities``."""

from __future__ import annotations

from typing import Any

import numpy as np

from scnnbio import (
    LIF,
    ConvolutionConnector,
    Encoding,
    Experiment,
    Network,
    PoissonCode,
    Population,
    Projection,
    Recording,
    Reward,
    SharedSTDP,
    SpikeSource,
)
from scnnbio.analysis.gain import Curve
from scnnbio.analysis.rates import Responses
from scnnbio.analysis.readout import Split, linear_classifiers
from scnnbio.connectors import DenseConnector, LateralInhibitionConnector, PoolingConnector
from scnnbio.encoding import Pixels
from scnnbio.experiment import Run
from scnnbio.inputs import CorrelatedPairs, Events
from scnnbio.neurons.linearised import euler_stability
from scnnbio.neurons.synapses import AlphaKernel
from scnnbio.recording import Signal, Snapshots, Spikes
from scnnbio.stimuli import FullField
from tests.encoding_arguments import encoding_arguments
from tests.fit_arguments import FIT_ARGUMENTS
from tests.measure_arguments import fault_arguments, measure_arguments
from tests.recordings import moved, spike_file


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


KERNEL = np.full((1, 2, 2, 2), 0.5)
CONVOLUTION = ConvolutionConnector(KERNEL, (2, 3, 3))
SOURCE = Population("lgn", (2, 3, 3), SpikeSource())
CELLS = Population("v1", (1, 2, 2), LIF, {"i_offset": [0.7]})


def network(**changes: Any) -> Network:
    return Network((SOURCE, CELLS), (Projection(**{**PROJECTION, "weight": 1.0, **changes}),))


PROJECTION: dict[str, Any] = {"pre": "lgn", "post": "v1", "connector": CONVOLUTION}


def experiment(**changes: Any) -> Experiment:
    stimulus = FullField(contrast=0.5, temporal_frequency=20.0, duration=100.0, frame=10.0)
    code = PoissonCode(gain=20.0, spontaneous=50.0)
    base = {"network": network(), "stimulus": stimulus, "encoding": Encoding(Pixels(), code)}
    return Experiment(**{**base, **changes})


def run() -> Run:
    """100 ms of a potential and spikes, as a run has them."""
    time = np.arange(1.0, 101.0)
    # Samples stand at the beginnings of the steps, spikes at their ends.
    values = np.sin(time)[:, None] + np.arange(4.0)
    v = Signal(values, [0, 1, 2, 3], 1.0, "mV", np.zeros(100), time - 1.0)
    spikes = Spikes(time, np.arange(100) % 4, np.zeros(100))
    trials = {"duration": [100.0], "temporal_frequency": [20.0]}
    recording = Recording({"v1": spikes}, {"v1": (1, 2, 2)}, trials, {"v1": {"v": v}})
    return Run(experiment(), recording, {}, {})


def tuned() -> Recording:
    """Spikes of two units in 100 trials of gratings, more of them in some than in others."""
    time = np.arange(1.0, 101.0)
    trial = np.arange(100) ** 2 % 96
    spikes = Spikes(time, np.arange(100) % 2, trial)
    place = np.arange(96)
    trials = {
        "duration": np.full(96, 100.0), "orientation": place % 4 * 90.0,
        "spatial_frequency": 0.1 * 2.0 ** (place // 4 % 3),
    }  # fmt: skip
    return Recording({"v1": spikes}, {"v1": (2, 1, 1)}, trials)


def curve(factor: float) -> Curve:
    current = np.linspace(0.1, 1.0, 10)
    return Curve("v1", current, factor * np.maximum(current - 0.3, 0.0)[None].repeat(4, 0) * 90)


ANGLES = [0.0, 45.0, 90.0, 135.0]
TURN = [0.0, 90.0, 180.0, 270.0]
TABLE: dict[str, Any] = {"recording": tuned, "population": "v1", "window": (10.0, 60.0)}
TUNED = [1.0, 3.0, 2.0, 1.0]
RUN: dict[str, Any] = {"run": run, "population": "v1", "trials": [0]}
EVENTS = Events([10, 20], [0, 1], [0, 0], [0, 1], (1, 2))
IMAGES = np.arange(32.0).reshape(2, 4, 4)

COUNTS = Responses(
    "v1", {"c": np.zeros(1)}, np.zeros(4, int), np.arange(8).reshape(4, 2), (0.0, 1.0)
)

#: Callable → the arguments that it needs, beside its defaults. A callable is made anew each time.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Population": {
        "name": "v1", "shape": (2, 2, 2), "neuron": LIF, "field_of_view": 5.0,
        "parameters": {"tau_m": 15.0}, "initial": {"v": -60.0},
    },
    "Projection": PROJECTION,
    "Experiment": {**{name: lambda n=name: getattr(experiment(), n) for name in (
        "network", "stimulus", "encoding")}, "input_dt": 1.0},
    "Input.check_grid": {"dt": 0.5},
    "FromSpikes": {
        "time": [1.0, 2.0], "unit": [0, 1], "trial": [0, 0], "size": (1, 1, 2), "duration": 20.0,
    },
    "Events": {"t": [10, 20], "x": [0, 1], "y": [0, 0], "p": [0, 1], "size": (1, 2)},
    "FromEvents": {"events": EVENTS, "duration": 20.0, "denoise": 1.0, "jitter": 0.5, "drop": 0.5},
    "FromSensor": {"stimulus": lambda: experiment().stimulus},
    "EventSensor": {"mismatch": 0.25, "noise": 4.0},
    "saccades": {"image": np.full((3, 3), 0.5), "duration": 4.0},
    "read_events": {"path": "absent"},
    "read_sonata": {"path": spike_file, "duration": 200.0},
    "Events.between": {"begin": 10.0, "end": 20.0},
    "Events.by_time": {"duration": 5.0, "begin": 1.0},
    "Events.denoise": {"window": 2.0},
    "Events.drop": {"fraction": 0.5, "rng": rng},
    "Events.shifted": {"by": 2.0},
    "Events.jitter": {"sigma": 2.0, "rng": rng},
    "EventSensor.record": {"light": np.ones((2, 3, 3)), "frame": 5.0, "rng": rng},
    **fault_arguments(network),
    "FromImages": {
        "images": np.full((1, 3, 3), 0.5), "code": PoissonCode(), "duration": 20.0,
    },
    "Augmentation": {"shift": 1.5, "rotation": 20.0, "scale": 0.25, "share": 0.5},
    "PoissonNoise": {"rate": 30.0, "weight": 0.5},
    "OrnsteinUhlenbeckNoise.step": {"dt": 0.5},
    "OrnsteinUhlenbeckNoise": {
        "mean": 0.5, "sigma": 0.25, "tau": 5.0, "reversal": -3.0,
    },
    "FromCurrents": {
        "values": np.full((2, 3, 1, 2, 2), 0.5), "frame": 10.0, "duration": 30.0, "unit": "pA",
        "shown": 20.0,
    },
    "FromFrames": {name: lambda n=name: getattr(experiment(), n) for name in (
        "stimulus", "encoding")},
    "read_out": {
        "features": np.arange(18.0).reshape(9, 2), "labels": np.arange(9) % 2,
        "split": lambda: Split([0, 1, 2, 3], [4, 5], [6, 7, 8]),
        "classifiers": lambda: linear_classifiers([1e-3]),
    },
    "Split.stratified": {
        "labels": np.arange(60) % 2, "validation": 0.2, "test": 0.2, "seed": 1,
    },
    "PooledCounts": {"population": "v1", "size": 2, "windows": ((10.0, 60.0),)},
    "unsettled": {"weights": [0.25, 0.5]},
    "images_to_convergence": {"snapshots": lambda: Snapshots([0, 1], [[0.5, 0.5], [0.0, 1.0]])},
    "CorrelatedPairs": {"pairs": 2, "duration": 20.0},
    "signal_to_noise": {"changes": {1: np.array([1.0, 2.0, 4.0]), 4: np.array([4.0, 6.0, 7.0])}},
    "window": {"rule": SharedSTDP(), "shift": 5.0},
    "expected_drift": {
        "rule": SharedSTDP(bounds="hard"), "dt": 1.0, "delay": 1.0,
        "pairs": lambda: CorrelatedPairs(2, duration=20.0),
    },
    "Sampling": {"population": "v1", "variables": ("v",), "period": 1.0},
    "Parameter": {"default": 15.0, "unit": "ms"},
    "Trace": {"side": "pre", "tau": 17.0},
    "TraceRule": {
        "parameters": {"a": 0.5}, "half_life": 9.0, "reward": Reward("v1"), "eligibility": 9.0,
    },
    "Growth": {"every": 500, "limit": 37.5},
    "Normalisation": {"target": 2.0, "period": 9.0},
    "SharedThreshold": {"eta": 0.1, "target": 4.0, "minimum": -60.0, "half_life": 9.0},
    "SharedSTDP": {"half_life": 9.0, "mu": 0.5, "bounds": "power"},
    "TripletSTDP": {"half_life": 9.0, "mu": 0.5, "bounds": "power"},
    "EachStep": {"change": "x*e", "eligible": "x", "tau": 9.0},
    "Reward": {"population": "v1", "tau": 9.0},
    "MSTDP": {"half_life": 9.0, "mu": 0.5, "bounds": "power", "reward": Reward("v1")},
    "MSTDPET": {"half_life": 9.0, "mu": 0.5, "bounds": "power", "reward": Reward("v1")},
    "ConvolutionConnector": {
        "kernel": np.full((1, 2, 2, 2, 2), 0.5), "in_shape": (2, 3, 3), "delay": 2.0,
        "lags": [1.0, 3.0],
    },
    "PoolingConnector": {
        "in_shape": (2, 4, 4), "size": 2, "mode": "first-spike", "window": 10.0, "delay": 2.0,
    },
    "LateralInhibitionConnector": {
        "shape": (2, 5, 5), "scope": "both", "radius": 1, "strength": 0.5, "delay": 2.0,
        "profile": [1.0, 0.5],
    },
    "DenseConnector": {"weights": np.full((3, 4), 0.5), "in_shape": (4, 1, 1), "delay": 2.0},
    "LocalConnector": {
        "weights": np.full((1, 2, 2, 1, 2, 2), 0.5), "in_shape": (1, 3, 3), "delay": 2.0,
    },
    "EdgeListConnector": {
        "in_shape": (2, 1, 1), "out_shape": (2, 1, 1), "edges": ([0, 1], [1, 0]),
        "weight": [0.5, 1.5], "lag": [1.0, 3.0], "delay": 2.0,
    },
    "FixedProbability": {"probability": 0.5, "seed": 1},
    "Gaussian": {"sigma": 2.0},
    "DifferenceOfGaussians": {"sigma": 2.0, "inner": 1.0},
    "Tabulated": {"values": (1.0, 0.5)},
    "for_spinnaker": {"connector": CONVOLUTION, "pre": None, "post": None},
    "homeostatic_return": {**RUN, "curve": "v1", "within": 0.5},
    "Gratings": {"orientations": [0.0, 45.0, 90.0]},
    "GratingPatches": {"diameters": [2.0, 4.0], "contrasts": [0.5], "mask_contrasts": [0.25]},
    "MovingBars": {"lengths": [2.0, 4.0]}, "NaturalScenes": {"diameters": [2.0, 4.0]},
    "Spikes": {"time": [1.0, 2.0], "unit": [0, 1], "trial": [0, 0]},
    "Signal": {
        "values": [[1.0], [2.0]], "unit": [0], "period": 1.0, "quantity": "mV", "trial": [0, 0],
        "time": [1.0, 2.0],
    },
    "Snapshots": {"trial": [0], "values": [[1.0, 2.0]]},
    "Recording": {"spikes": {}, "shapes": {"a": 2}, "trials": {"duration": [20.0]}},
    "homeostatic": {"model": LIF, "eta": 0.1, "target": 4.0, "tau": 90.0},
    **{name: {"tau": 5.0} for name in ("ExponentialKernel", "AlphaKernel")},
    "BiexponentialKernel": {"tau_rise": 2.0, "tau_decay": 5.0},
    "firing_rate": {
        "model": LIF, "current": [0.5, 1.0], "parameters": {"tau_m": 15.0}, "held": {"I_exc": 0.5},
        "dt": 0.5,
    },
    "homeostasis_eigenvalues": {"slope": -2.0, "eta": 0.1, "tau": 90.0},
    "linearise": {"model": LIF, "parameters": {"tau_m": 15.0}, "at": {"v": -60.0}},
    "fixed_point": {"model": LIF, "parameters": {"tau_m": 15.0}, "start": {"v": -60.0}},
    "parameter_values": {"model": LIF, "given": {"tau_m": 15.0}},
    "state_values": {"model": LIF, "at": {"v": -60.0}},
    "window_within": {"window": (10.0, 60.0), "durations": [60.0, 90.0], "where": "here"},
    "euler_stability": {"model": LIF, "parameters": {"tau_m": 15.0}, "at": {"v": -60.0}},
    "linearised.frequency_response": {
        "model": LIF, "receptor": "excitatory", "frequency": [4.0, 8.0],
        "parameters": {"tau_m": 15.0}, "at": {"v": -60.0},
    },
    "effective_membrane": {
        "model": LIF, "held": {"I_exc": 0.5}, "parameters": {"tau_m": 15.0},
    },
    "membrane_line": {"model": LIF, "held": {"I_exc": 0.5}, "parameters": {"tau_m": 15.0}},
    "adaptation_index": {"intervals": [10.0, 30.0]},
    "order": {"dt": [0.5, 0.25], "error": [0.5, 0.125]},
    "convergence": {
        "exact": lambda: run().recording, "grids": lambda: {0.5: run().recording},
        "population": "v1",
    },
    "harmonic": {
        "values": [1.0, 0.0, -1.0, 0.0], "time": [0.0, 5.0, 10.0, 15.0], "frequency": 50.0,
    },
    "input_harmonic": {
        "experiment": experiment, "projection": lambda: experiment().network.projections[0],
        "trial": 0, "frequency": 20.0, "onset": 50.0,
    },
    "frequency_response.frequency_response": {"run": run, "projection": "lgn_v1", "onset": 50.0},
    "analytic_curve": {"run": run, "projection": "lgn_v1", "onset": 50.0},
    "gabor": {
        "shape": (4, 4), "sigma_x": 2.0, "sigma_y": 2.0, "theta": 30.0, "frequency": 0.25,
        "phase": 30.0, "x0": 0.5, "y0": 0.5,
    },
    "fit_gabor": {"image": IMAGES[0]},
    "fit_gabors": {"images": IMAGES},
    "spectral_peak": {"images": IMAGES},
    "kernel_tuning": {"images": IMAGES, "frequency": [0.25, 0.125]},
    "on_minus_off": {"kernel": KERNEL, "where": "here"},
    "best_lag": {"images": IMAGES},
    "at_best_lag": {"images": IMAGES},
    "measure_kernels": {"kernel": np.arange(64.0).reshape(2, 2, 4, 4)},
    "rate_curve": {**RUN, "window": (10.0, 60.0)},
    "potential_curve": {**RUN, "window": (10.0, 60.0)},
    "mean_signal": {**RUN, "variable": "v", "window": (10.0, 60.0)},
    "fit_masks": {
        "alone": [[1.0, 3.0, 9.0, 12.0]], "masked": [[0.0, 1.0, 4.0, 8.0]],
        "contrast": [0.125, 0.25, 0.5, 1.0],
    },
    "position_spread": {"recording": moved, "population": "v1", "share": 0.25},
    "reconstruction_error": {
        "counts": np.arange(40.0).reshape(20, 2) % 7, "shown": np.arange(60.0).reshape(20, 3) % 5,
    },
    "gain_change": {"control": curve(1.0), "changed": curve(0.5), "up_to": 40.0},
    "map_rates": {
        "recording": lambda: run().recording, "population": "v1", "maps": [0], "bin_width": 10.0,
    },
    "settled_after": {
        "time": [1.0, 2.0, 3.0], "rate": [20.0, 10.5, 9.5], "target": 10.0, "tolerance": 0.125,
    },
    "slope_at": {"threshold": [-55.0, -54.0, -53.0], "rate": [8.0, 4.0, 2.0], "target": 4.0},
    "fixed_threshold_rates": {**RUN, "window": (10.0, 60.0)},
    "irregularity": {
        "recording": lambda: run().recording, "population": "v1", "window": (10.0, 60.0),
    },
    "trial_cv": {
        "recording": lambda: run().recording, "population": "v1", "window": (10.0, 60.0),
    },
    "fano_factor": {"table": COUNTS},
    "mean_fano_factor": {"table": COUNTS},
    "paired_correlation": {
        "pair": lambda: (run().recording, run().recording), "population": "v1",
        "units": np.arange(4), "width": 10.0, "seed": 1,
    },
    "responses": {
        "recording": lambda: run().recording, "population": "v1", "by": ["temporal_frequency"],
        "window": (10.0, 60.0),
    },
    **dict.fromkeys((
        "firing_rates", "condition_rates", "orientation_tuning", "direction_tuning",
        "spatial_frequency_tuning", "interval_irregularity", "fano_factors", "noise_correlations",
        "signal_correlations",
    ), TABLE),
    **measure_arguments(TABLE, tuned, lambda: run().recording),
    "kernel_shapes": {"kernel": np.arange(64.0).reshape(2, 2, 4, 4)},
    "circular_variance": {"rates": TUNED, "orientations": ANGLES},
    "preferred_orientation": {"rates": TUNED, "orientations": ANGLES},
    "orientation_selectivity": {"rates": TUNED, "orientations": ANGLES},
    "direction_selectivity": {"rates": TUNED, "directions": TURN},
    "half_bandwidth": {"rates": TUNED, "angles": ANGLES},
    "f1_f0": {
        "time": [1.0, 30.0, 60.0], "temporal_frequency": 20.0, "window": (0.0, 100.0),
    },
    "Evidence": {"source": run, "window": (10.0, 60.0)},
    "ClaimBinding": {
        "claim": "isi_cv", "stage": "test", "population": ("a", "b"), "shares": (0.25, 0.75),
        "window": (10.0, 60.0),
    },
    "learning_course": {
        "recording": lambda: Recording(
            {}, {}, {"duration": [10.0]}, snapshots={"k": Snapshots([0], np.zeros((1, 2, 2, 3, 3)))}
        ),
        "kernel": "k", "final": np.arange(36.0).reshape(2, 2, 3, 3),
    },
    "SpinnakerBackend": {"target": "emulated", "gap": 20.0},
    # Methods: ``self`` is made by the entry of SELVES.
    "Parameter.check": {"value": 20.0, "where": "here"},
    "Levels": {"levels": 3, "code": PoissonCode(), "duration": 20.0, "shown": 10.0},
    "FromSequences": {"sequences": ("ACGT",), "code": PoissonCode(), "duration": 20.0},
    "PlantedMotifs": {
        "code": PoissonCode(), "n": 3, "length": 9, "motifs": 2, "width": 3, "duration": 20.0,
        "conservation": 0.5, "composition": (0.25, 0.25, 0.125, 0.375),
    },
    "information": {"read": np.arange(12).reshape(3, 4)},
    "information_of": {"chances": np.eye(3)},
    "Code.decoded": {
        "step": np.array([3, 9]), "unit": np.array([0, 1]), "n_units": 2, "duration": 50.0,
        "dt": 0.5,
    },
    "Retina.drive": {"frames": np.ones((2, 20, 20)), "duration": 50.0},
    "Retina.spatial_gain": {"frequency": [0.5, 2.0]},
    "Retina.transfer": {"frequency": [4.0, 8.0], "contrast": 0.5},
    **encoding_arguments(),
    "LGN.drive": {"frames": np.arange(900.0).reshape(1, 30, 30)},
    "Pixels.drive": {"frames": np.ones((1, 2, 2))},
    "Experiment.steps": {"time": 20.0, "where": "here"},
    "Recording.counts": {"population": "v1", "window": (10.0, 60.0)},
    "Recording.sparse_counts": {"population": "v1", "window": (10.0, 60.0)},
    "Network.with_weights": {"weights": {"lgn_v1": KERNEL}},
    **{f"{name}.decay_factor": {"dt": 0.5} for name in ("SharedThreshold", "LearningRule")},
    "SharedThreshold.fall": {"channels": 1, "dt": 0.5},
    "LearningRule.check_kernel": {"kernel": KERNEL, "present": np.ones(KERNEL.shape, bool)},
    "Normalisation.norms": {"kernel": KERNEL},
    "RadialProfile.at": {"distance": [0.5, 1.5]},
    "Kernel.response": {"time": [0.5, 1.5]},
    "Kernel.transfer": {"frequency": [4.0, 8.0]},
    **{name: {"dt": 0.5} for name in ("EulerStability.factors", "EulerStability.regime")},
    "ConvolutionConnector.delayed": {
        "kernel": KERNEL, "lag": 8 * KERNEL, "lags": [2.0, 4.0], "in_shape": (2, 3, 3)
    },
    "ConvolutionConnector.with_kernel": {"kernel": np.full(KERNEL.shape, 0.25)},
    "LateralInhibitionConnector.with_kernel": {"kernel": np.full((2, 2, 1, 1), 0.0)},
    "UnsharedConnector.with_kernel": {"kernel": np.full((2, 2), 0.25)},
    "PoolingConnector.with_kernel": {"kernel": np.full((1, 1, 1, 1), 1.0)},
    **FIT_ARGUMENTS,
}  # fmt: skip

#: Class → an instance whose methods are called, where its own arguments do not make one.
INSTANCES: dict[str, Any] = {
    "Recording": lambda: run().recording,
    "Network": network,
    "Experiment": experiment,
    "Run": run,
    "Encoding": lambda: Encoding(Pixels(), PoissonCode()),
    "Code": PoissonCode,
    "RateCode": PoissonCode,
    "ConvolutionConnector": lambda: CONVOLUTION,
    "LateralInhibitionConnector": lambda: LateralInhibitionConnector((2, 1, 1), strength=0.5),
    "PoolingConnector": lambda: PoolingConnector((1, 1, 1), 1),
    "LearningRule": SharedSTDP,
    "UnsharedConnector": lambda: DenseConnector(np.full((2, 2), 0.5), (2, 1, 1)),
    "Kernel": lambda: AlphaKernel(5.0),
    "EulerStability": lambda: euler_stability(LIF),
    "Input": lambda: experiment().frames,
}

#: Unit of what another argument decides.
DECIDED = {
    **dict.fromkeys(("tau_m", "Parameter.default", "Parameter.check.value", "duration"), "ms"),
    **dict.fromkeys(("v", "Signal.values"), "mV"),
    "FromCurrents.values": "pA",
    "PoissonNoise.weight": "nA",
    **dict.fromkeys(("OrnsteinUhlenbeckNoise.mean", "OrnsteinUhlenbeckNoise.sigma"), "uS"),
    **dict.fromkeys(("I_exc", "Projection.weight"), "nA"),
    "cm": "nF",
    "lgn_v1": "1",
}
