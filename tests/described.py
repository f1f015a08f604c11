"""Every described class of scnnbio, found by looking, and one instance of each."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np

import scnnbio
from scnnbio import connectors as c
from scnnbio import distributions as d
from scnnbio import plasticity as p
from scnnbio.encoding import (
    LGN,
    BurstCode,
    DeltaCode,
    Encoding,
    GammaCode,
    JitteredCode,
    LatencyCode,
    PhaseCode,
    Pixels,
    PoissonCode,
    RefractoryCode,
    RegularCode,
    Retina,
    ThinnedCode,
)
from scnnbio.experiment import ClaimBinding, Experiment, Record, Run, Sampling, Stage, Study
from scnnbio.experiment.drive import Drive
from scnnbio.experiment.gradient import ByConversion, BySurrogates, Gradient
from scnnbio.experiment.noise import NoiseSpikes
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.experiment.training import Training
from scnnbio.fitting import Objective, Search
from scnnbio.inputs import (
    Augmentation,
    CorrelatedPairs,
    Events,
    EventSensor,
    FromCurrents,
    FromEvents,
    FromFrames,
    FromImages,
    FromSensor,
    FromSequences,
    FromSpikes,
    Levels,
    PlantedMotifs,
)
from scnnbio.neurons import LIF, OrnsteinUhlenbeckNoise, Parameter, PoissonNoise
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.recording import Recording, Signal, Snapshots, Spikes, Sweep
from scnnbio.recording.column_maps import ColumnMap, MappedColumn
from scnnbio.stimuli import (
    FullField,
    GaussianNoise,
    GratingPatches,
    Gratings,
    MovingBars,
    NaturalScenes,
    Photographs,
    SparseNoise,
    WhiteNoise,
)
from scnnbio.validation import CLAIMS, Protocol
from scnnbio.validation.observation import Observation
from scnnbio.validation.scores import Score
from scnnbio.validation.self_sustained import MeanRate
from scnnbio.values import Value
from tests.public_arguments import CONVOLUTION, experiment, network

#: Packages of what is done with descriptions.
_DOING = (
    "analysis", "backends", "cli", "comparison", "conversion", "description", "figures", "nir",
    "testing",
    "workflow", "_html",
)  # fmt: skip
#: Public dataclasses that describe nothing: what is computed from descriptions, and tools.
RESULTS = frozenset(
    {
        "Afferents", "Change", "DocumentFolder", "Draw", "Edges", "EffectiveMembrane", "Entry",
        "EulerStability", "Evidence", "Images", "In", "Injected", "Inputs", "Integrator",
        "LayerGeometry", "Linearisation", "Measured", "Membrane", "NwbFile", "Outcome",
        "Packaged", "Part", "Fit", "Fold", "Found", "Free", "Response", "Scores", "SweepScore",
        "Projected", "Propagator", "Refined", "Requirement", "Section", "SignedList", "Simulation",
        "Source",
        "SpikeColumns", "StandardCell", "StateVariable", "Trial", "Unsupported", "Update",
        "Wandering",
        "Estimate", "File", "Nearness", "Plan", "Point", "Target", "Task", "Fault",
        "Rerun", "Verification",
        # Closed forms of synapses, which no description holds.
        "AlphaKernel", "BiexponentialKernel", "ExponentialKernel",
    }
)  # fmt: skip


def classes() -> dict[str, type[Any]]:
    """Public dataclasses that may be instances, of every module that holds descriptions."""
    found: dict[str, type[Any]] = {}
    for module in pkgutil.walk_packages(scnnbio.__path__, "scnnbio."):
        if module.name.split(".")[1] in _DOING:
            continue
        for name, cls in vars(importlib.import_module(module.name)).items():
            ours = inspect.isclass(cls) and cls.__module__ == module.name
            if ours and dataclasses.is_dataclass(cls) and not name.startswith("_"):
                found[name] = cls
    return {n: k for n, k in found.items() if not inspect.isabstract(k) or not issubclass(k, Value)}


def _recording() -> Recording:
    spikes = Spikes([0.1 + 0.2, 5.0, 5.0], [3, 0, 1], [0, 0, 1])
    # A signal holds what a membrane may be: no value, and both zeros.
    v = Signal([[np.nan, -0.0], [0.1, 1e-310]], [0, 2], 0.1, "mV", [0, 1], [0.0, 0.1])
    kernels = Snapshots([-1, 1], np.linspace(0.0, 1.0, 16).reshape(2, 1, 2, 2, 2))
    trials = {
        "duration": [10.0, 10.0],
        "orientation": [0.0, np.nan],
        "picture": ["grün", 'a"<b>'],
        "n": [1, 2],
    }
    shapes = {"v1": (1, 2, 2)}
    return Recording({"v1": spikes}, shapes, trials, {"v1": {"v": v}}, {"lgn_v1": kernels})


def _run() -> Run:
    learning = experiment(network=network(plasticity=p.SharedSTDP()))
    kernel = np.random.default_rng(3).uniform(0.0, 1.0, CONVOLUTION.kernel.shape)
    provenance = {
        "backend": "reference",
        "versions": {"numpy": "2"},
        "files_read": [{"path": "/a", "sha256": "0"}],
        "class": "not the name of a class",
        "wall_seconds": {"run": 0.1},
    }
    return Run(learning, _recording(), {"lgn_v1": kernel}, provenance)


def _study() -> Study:
    first = _run().experiment
    other = dataclasses.replace(first, stage="test", learning=False, seed=2, dt=0.5)
    stages = (Stage(first, first.network), Stage(other, first.network, "run"))
    return Study("two", stages, title="Two", claims=(ClaimBinding("isi_cv", "test", "v1"),), seed=1)


_EDGES: dict[str, Any] = {"weight": [0.5, 1.5], "lag": [1.0, 3.0], "delay": 2.0}

#: Class → a function that makes an instance. Fields differ from their defaults.
INSTANCES: dict[type[Any], Callable[[], Any]] = {
    FromFrames: lambda: FromFrames(Gratings(), Encoding(LGN(), PoissonCode())),
    FromSpikes: lambda: FromSpikes(
        [1.0, 3.0], [0, 4], [0, 1], size=(1, 1, 5), n_trials=2, duration=10.0,
        trials={"side": ["left", "right"]}, off_grid="up",
    ),
    FromImages: lambda: FromImages(
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4), PoissonCode(), 20.0, {"digit": [3, 7]}
    ),
    Events: lambda: Events([30, 10, 20], [0, 1, 2], [1, 0, 1], [1, 0, 1], (2, 3)),
    EventSensor: lambda: EventSensor(0.15, 0.25, 0.1, 2.0, 5.0, 0.02, seed=3),
    FromEvents: lambda: FromEvents(
        [Events([30, 10], [0, 1], [1, 0], [1, 0], (2, 3))] * 2, 20.0, polarity="merged",
        repeated="merge", drop=0.1, jitter=0.5, shuffled=True, labels={"digit": [3, 7]},
    ),
    FromSensor: lambda: FromSensor(
        Gratings(), EventSensor(0.15), polarity="on", repeated="merge", shuffled=True
    ),
    CorrelatedPairs: lambda: CorrelatedPairs(2, 30.0, (0.1, 0.5), 2.0, 50.0, n_trials=3),
    FromSequences: lambda: FromSequences(("ACGT", "GGNA"), PhaseCode(30.0), 60.0, repeats=2),
    PlantedMotifs: lambda: PlantedMotifs(
        PhaseCode(30.0), 4, 20, 2, 3, conservation=0.9, composition=(0.1, 0.2, 0.3, 0.4),
        shuffled=True, seed=3, duration=60.0, repeats=2,
    ),
    Levels: lambda: Levels(5, PhaseCode(30.0), 60.0, 40.0, n_trials=3),
    FromCurrents: lambda: FromCurrents(
        np.linspace(-300.0, 300.0, 24).reshape(2, 3, 1, 2, 2), 10.0, unit="pA", port="g_ext",
        trials={"side": ["left", "right"]},
    ),
    Drive: lambda: Drive(
        Experiment(network(), inputs={
            "lgn": FromSpikes([1.0], [0], [0], size=(2, 3, 3), duration=10.0),
            "v1": FromCurrents(np.full((1, 2, 2), 0.3), duration=10.0, unit="nA"),
        }), "v1",
    ),
    NoiseSpikes: lambda: NoiseSpikes("v1", 1, 30.0, (2, 3, 3), 3, n_trials=2, duration=20.0),
    PoissonNoise: lambda: PoissonNoise(30.0, 0.1, "inhibitory"),
    OrnsteinUhlenbeckNoise: lambda: OrnsteinUhlenbeckNoise(0.1, 0.02, 5.0, reversal=-3.0),
    Parameter: lambda: Parameter(0.1, "ms", "(0, inf)"),
    type(LIF): lambda: dataclasses.replace(LIF, name="mine", integrator="forward-euler"),
    SpikeSource: SpikeSource,
    ValueSource: ValueSource,
    Population: lambda: Population(
        "v1", (2, 2, 2), LIF,
        {"tau_m": d.LogNormal(15.0, 0.1, seed=1), "v_thresh": [-50.1, -49.3]},
        field_of_view=5.0, homeostasis=p.SharedThreshold(eta=0.1, target=(4.0, 5.0)),
        competition=p.WinnerTakeAll(radius=1), initial={"v": [-60.0, -61.0]},
        noise=(PoissonNoise(30.0, 0.1), OrnsteinUhlenbeckNoise(0.1, 0.02, 5.0)),
    ),
    scnnbio.Projection: lambda: scnnbio.Projection(
        "lgn", "v1", CONVOLUTION, weight=0.3, delay=2.0, plasticity=p.SharedSTDP(), name="mine"
    ),
    scnnbio.Network: lambda: network(weight=0.1 + 0.2),
    c.ConvolutionConnector: lambda: c.ConvolutionConnector(
        np.random.default_rng(1).random((2, 1, 2, 2, 2)), (2, 5, 4), stride=(2, 1),
        padding=(1, 0), delay=2.0, connect_zeros=False, lags=[1.0, 3.0], groups=2,
    ),
    c.PoolingConnector: lambda: c.PoolingConnector(
        (2, 5, 4), 2, stride=1, padding=(1, 0), mode="first-spike", weight=0.3, window=10.0,
        delay=2.0,
    ),
    c.LateralInhibitionConnector: lambda: c.LateralInhibitionConnector(
        (2, 5, 5), "both", 1, 0.3, delay=2.0, profile=c.Gaussian(0.7)
    ),
    c.DenseConnector: lambda: c.DenseConnector(
        [[0.0, 0.1], [0.2, 0.3]], (2, 1, 1), (1, 2, 1), delay=2.0, connect_zeros=False
    ),
    c.LocalConnector: lambda: c.LocalConnector(
        np.random.default_rng(1).random((1, 2, 1, 2, 2, 3)), (2, 3, 3), stride=(2, 1),
        padding=(1, 0), delay=2.0, connect_zeros=False,
    ),
    c.EdgeListConnector: lambda: c.EdgeListConnector(
        (2, 1, 1), (2, 1, 1), ([1, 0], [0, 1]), connect_zeros=False, **_EDGES
    ),
    c.FixedProbability: lambda: c.FixedProbability(0.3, seed=4, self_connections=False),
    c.FixedInDegree: lambda: c.FixedInDegree(3, seed=4, self_connections=False),
    c.Gaussian: lambda: c.Gaussian(0.7),
    c.DifferenceOfGaussians: lambda: c.DifferenceOfGaussians(2.0, 0.7, 0.9),
    c.Tabulated: lambda: c.Tabulated((1.0, 0.3)),
    d.Uniform: lambda: d.Uniform("1 ms", 2.0, seed=1),
    d.Normal: lambda: d.Normal(1.0, 0.3, seed=1, low=0.1),
    d.LogNormal: lambda: d.LogNormal("15 ms", 0.3, seed=1),
    p.SharedThreshold: lambda: p.SharedThreshold(eta=0.1, target=(4.0, 5.0), half_life=9.0),
    p.WinnerTakeAll: lambda: p.WinnerTakeAll(radius=1, silence=True),
    p.Growth: lambda: p.Growth(500, limit=37.5),
    p.Normalisation: lambda: p.Normalisation(0.3, period=9.0),
    p.Trace: lambda: p.Trace("post", 17.3),
    p.SharedSTDP: lambda: p.SharedSTDP(a_plus=0.1, normalisation=p.Normalisation(2.0)),
    p.TripletSTDP: lambda: p.TripletSTDP.published("visual-cortex"),
    p.TraceRule: lambda: p.TraceRule(
        traces={"x": p.Trace("pre", 17.3)}, on_post="a*x", parameters={"a": 0.1}, w_max=3.0,
        reward=p.Reward("v1"), eligibility=20.0,
    ),
    p.EachStep: lambda: p.EachStep("-0.3*v*e", {"v": "mV"}, "x", tau=17.3),
    p.Reward: lambda: p.Reward("v1", (1.0, -0.3), tau=9.0),
    p.MSTDP: lambda: p.MSTDP(a_plus=0.1, reward=p.Reward("v1")),
    p.MSTDPET: lambda: p.MSTDPET(tau_e=30.0, reward=p.Reward("v1", (0.1, 0.3))),
    FullField: lambda: FullField(contrast=(0.1, 0.3)),
    Gratings: lambda: Gratings(orientations=(0.0, 22.5)),
    Photographs: lambda: Photographs(n_trials=2, duration=30.0),
    WhiteNoise: lambda: WhiteNoise(n_trials=3),
    GratingPatches: lambda: GratingPatches((0.0, 22.5), diameters=(1.0, 2.0), edge=0.1, seed=3),
    MovingBars: lambda: MovingBars((0.0, 22.5), lengths=(1.0,), repeats=2, order="listed"),
    SparseNoise: lambda: SparseNoise(3, spots=2),
    GaussianNoise: lambda: GaussianNoise(3, temporal_exponent=0.3),
    NaturalScenes: lambda: NaturalScenes(sequences=3, drift=0.01, diameters=(1.0, 4.0)),
    LGN: lambda: LGN(sigma_center=0.7),
    Pixels: Pixels,
    LatencyCode: lambda: LatencyCode(budget=40),
    PoissonCode: lambda: PoissonCode(gain=0.3),
    GammaCode: lambda: GammaCode(gain=0.3, shape=2.5),
    RefractoryCode: lambda: RefractoryCode(gain=0.3, refractory=1.5),
    RegularCode: lambda: RegularCode(gain=0.3, begins="middle"),
    PhaseCode: lambda: PhaseCode(30.0, span=120.0),
    BurstCode: lambda: BurstCode(4, longest=9.5),
    DeltaCode: lambda: DeltaCode(0.3),
    JitteredCode: lambda: JitteredCode(PhaseCode(30.0), 0.3),
    ThinnedCode: lambda: ThinnedCode(PhaseCode(30.0), 0.3),
    Retina: lambda: Retina.published("M", pixels_per_degree=8.0),
    Encoding: lambda: Encoding(LGN(), LatencyCode(budget=40), gain_spread=0.2),
    Surrogate: lambda: Surrogate("triangle", 0.3),
    Training: lambda: Training(epochs=3, surrogate=Surrogate("boxcar"), rates=(1.0, 30.0)),
    Augmentation: lambda: Augmentation(1.5, "10 deg", share=0.7),
    Gradient: lambda: Gradient("v1", "digit"),
    ByConversion: lambda: ByConversion("v1", "digit", levels=4, learning_rate=0.01),
    BySurrogates: lambda: BySurrogates(
        "v1", "digit", Training(batch=7), Augmentation(scale=0.1)
    ),
    Sampling: lambda: Sampling("v1", ("v",), units=(0, 2), period=0.3),
    Record: lambda: Record(("v1",), (Sampling("v1", ("v",)),), snapshots=2),
    Experiment: lambda: experiment(record=Record(("v1",)), input_dt=0.5, reset=False),
    Stage: lambda: _study().stages[1],
    Study: _study,
    Run: _run,
    Recording: _recording,
    Spikes: lambda: _recording().spikes["v1"],
    Signal: lambda: _recording().signals["v1"]["v"],
    Snapshots: lambda: _recording().snapshots["lgn_v1"],
    Sweep: lambda: Sweep([0.0, 0.1], [-70.0, -69.5], 0.05, "s<1>"),
    Objective: lambda: Objective("trace", 4.0, -10.0, (1.0, 3.0)),
    Search: lambda: Search(5, 7, 0.01, polish=False, seed=3),
    Score: lambda: Score(
        "isi_cv", 0.3, {"median": float("nan")}, {"counts": [1, 2]}, "agrees", "near\nenough", 3,
        {"silent": 2}, "A <b> & B",
    ),
    Observation: lambda: Observation(
        "rate", "paper", interval=(0.1, np.inf), counts=np.array([1, 2]), edges=np.arange(3.0)
    ),
    ClaimBinding: lambda: ClaimBinding(
        "isi_cv", "test", ("simple", "complex"), shares=(0.4, 0.6), window=("30 ms", "530 ms"),
        used_for="choice",
    ),
    MappedColumn: lambda: MappedColumn("angle", times=2.0, add=-90.0),
    ColumnMap: lambda: ColumnMap.of({"layout": "allen", "trials": {"duration": "2 s"}}),
    Protocol: lambda: Protocol("gratings", ("orientation",), "contrast", 4, 5, "0.5 s"),
    # Every kind of claim and of measure, as those on V1 and on neurons have them.
    **{type(claim): (lambda claim=claim: claim) for claim in CLAIMS.values()},
    **{type(claim.measure): (lambda m=claim.measure: m) for claim in CLAIMS.values()},
    **{type(m): (lambda m=m: m) for claim in CLAIMS.values() for m in claim.beside},
    MeanRate: MeanRate,
}  # fmt: skip
