"""Networks of several sources, and inputs of every kind, small enough to build at once."""

from __future__ import annotations

import dataclasses

import numpy as np

from scnnbio import (
    LGN,
    LIF,
    ConvolutionConnector,
    Encoding,
    Experiment,
    LatencyCode,
    Network,
    OrnsteinUhlenbeckNoise,
    PoissonCode,
    PoissonNoise,
    Population,
    Projection,
    Record,
    SharedSTDP,
    SpikeSource,
    ValueSource,
)
from scnnbio.inputs import Events, FromCurrents, FromEvents, FromFrames, FromImages, FromSpikes
from scnnbio.stimuli import WhiteNoise

DURATION, TRIALS = 40.0, 3
FRAMES = FromFrames(
    WhiteNoise(n_trials=TRIALS, duration=DURATION, frame=20.0),
    Encoding(LGN(normalisation_sigma=0), PoissonCode(gain=400.0)),
)


def two_sources(neuron: object = LIF) -> Network:
    """A layer that frames of two channels and spikes of three channels drive."""
    rng = np.random.default_rng(2)
    seen = ConvolutionConnector(rng.uniform(0.2, 1.0, (2, 2, 3, 3)), (2, 6, 6))
    touched = ConvolutionConnector(rng.uniform(0.2, 1.0, (2, 3, 2, 2)), (3, 5, 5))
    assert seen.out_shape == touched.out_shape
    return Network(
        (
            Population("eye", (2, 6, 6), SpikeSource()),
            Population("v1", seen.out_shape, neuron),  # type: ignore[arg-type]
            Population("skin", (3, 5, 5), SpikeSource()),
        ),
        (
            Projection("eye", "v1", seen, weight=0.9, delay=1.0),
            Projection("skin", "v1", touched, weight=1.1, delay=2.0),
        ),
    )


def learning() -> Network:
    """The same, where both kernels learn."""
    plain = two_sources()
    rule = SharedSTDP(a_plus=0.02, a_minus=0.01)
    return Network(
        plain.populations,
        tuple(dataclasses.replace(p, plasticity=rule) for p in plain.projections),
    )


def one_source(shape: tuple[int, int, int]) -> Network:
    """A layer behind one source."""
    kernel = np.random.default_rng(3).uniform(0.2, 1.0, (2, shape[0], 3, 3))
    connector = ConvolutionConnector(kernel, shape)
    return Network(
        (Population("in", shape, SpikeSource()), Population("v1", connector.out_shape, LIF)),
        (Projection("in", "v1", connector, weight=1.5, delay=1.0),),
    )


def values_beside_spikes() -> Network:
    """A layer that pixels of two channels drive by currents, at two lags, and spikes besides."""
    rng = np.random.default_rng(4)
    seen = ConvolutionConnector(rng.uniform(-0.3, 1.0, (2, 2, 3, 3, 2)), (2, 6, 6), lags=[0.0, 7.0])
    touched = ConvolutionConnector(rng.uniform(0.2, 1.0, (2, 3, 2, 2)), (3, 5, 5))
    return Network(
        (
            Population("pixels", (2, 6, 6), ValueSource()),
            Population(
                "v1",
                (2, 4, 4),
                LIF,
                {"i_offset": [0.1, 0.2], "tau_refrac": 2.0},
                noise=(PoissonNoise(300.0, 0.3), OrnsteinUhlenbeckNoise(-0.1, 0.2, 5.0)),
            ),
            Population("skin", (3, 5, 5), SpikeSource()),
        ),
        (
            Projection("pixels", "v1", seen, weight=0.15, delay=2.0, receptor="i_offset"),
            Projection("skin", "v1", touched, weight=0.5, delay=2.0),
        ),
    )


def drawn_values() -> FromCurrents:
    """Three trials of four frames of two channels."""
    return FromCurrents(
        np.random.default_rng(5).uniform(0.0, 1.0, (TRIALS, 4, 2, 6, 6)), frame=10.0
    )


def drawn_currents() -> FromCurrents:
    """A current for each neuron and trial."""
    values = np.random.default_rng(6).uniform(-200.0, 400.0, (TRIALS, 2, 4, 4))
    return FromCurrents(values, duration=DURATION, unit="pA")


def drawn_spikes(**changes: object) -> FromSpikes:
    """100 spikes per trial on a grid of 1 ms, none twice."""
    rng = np.random.default_rng(7)
    size = 75
    places = np.stack([rng.choice(40 * size, 100, replace=False) for _ in range(TRIALS)])
    given: dict[str, object] = {
        "time": 1.0 + (places // size).ravel(),
        "unit": (places % size).ravel(),
        "trial": np.repeat(np.arange(TRIALS), 100),
        "size": (3, 5, 5),
        "n_trials": TRIALS,
        "duration": DURATION,
        "trials": {"touch": ["soft", "hard", "soft"]},
    }
    return FromSpikes(**{**given, **changes})  # type: ignore[arg-type]


def drawn_images(**changes: object) -> FromImages:
    """Three images of two channels, as bytes."""
    images = np.random.default_rng(9).integers(0, 256, (TRIALS, 6, 6, 2), dtype=np.uint8)
    given: dict[str, object] = {
        "images": images,
        "code": LatencyCode(budget=40, window=30.0),
        "duration": DURATION,
        "labels": {"label": [3, 1, 4]},
    }
    return FromImages(**{**given, **changes})  # type: ignore[arg-type]


def drawn_events(**changes: object) -> FromEvents:
    """300 events per trial of a sensor of 6 x 6 pixels, at any us."""
    rng = np.random.default_rng(10)
    streams = [
        Events(
            rng.integers(0, DURATION * 1e3, 300), *rng.integers(0, 6, (2, 300)),
            rng.integers(0, 2, 300), (6, 6),
        )
        for _ in range(TRIALS)
    ]  # fmt: skip
    given: dict[str, object] = {
        "events": streams,
        "duration": DURATION,
        "repeated": "merge",
        "labels": {"digit": [2, 7, 1]},
    }
    return FromEvents(**{**given, **changes})  # type: ignore[arg-type]


def experiment(name: str, **changes: object) -> Experiment:
    """One of the experiments of the contract."""
    networks = {
        "two sources": two_sources,
        "learning": learning,
        "images": lambda: one_source((2, 6, 6)),
        "spikes": lambda: one_source((3, 5, 5)),
        "poisson images": lambda: one_source((2, 6, 6)),
        "events": lambda: one_source((2, 6, 6)),
        "values": values_beside_spikes,
    }
    inputs = {
        "two sources": {"eye": FRAMES, "skin": drawn_spikes()},
        "learning": {"eye": FRAMES, "skin": drawn_spikes()},
        "images": {"in": drawn_images()},
        "spikes": {"in": drawn_spikes()},
        "poisson images": {"in": drawn_images(code=PoissonCode(gain=150.0))},
        "events": {"in": drawn_events()},
        "values": {"pixels": drawn_values(), "skin": drawn_spikes(), "v1": drawn_currents()},
    }
    if name == "values":
        changes = {"reset": False, **changes}  # what is on its way arrives in the next trial
    network = networks[name]()
    record = Record(spikes=tuple(p.name for p in network.populations if not p.gives_values))
    settings: dict[str, object] = {"record": record, "dt": 0.5, "seed": 6, "inputs": inputs[name]}
    return Experiment(network, **{**settings, **changes})  # type: ignore[arg-type]


EXPERIMENTS = ("two sources", "learning", "images", "spikes", "poisson images", "events", "values")
