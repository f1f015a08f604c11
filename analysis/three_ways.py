"""Kernels of one layer, learned in three ways from the same photographs.

python analysis/three_ways.py OUT.npz [--patches 6000] [--epochs 15] [--seed 1]

The layer is that of experiments/v1_features.toml with 32 maps: 32 kernels of 11 x 11 LGN cells,
shared by 9 places. The photographs are the seven that come with scikit-learn and scikit-image.

- ``stdp``: the stage ``learn`` of v1_features, without labels.
- ``conversion``: a torch module with one ReLU in place of the layer learns from LGN drives to say
  which of 40 places of the photographs a shifted patch is from, a label that costs nothing (the
  exemplars of Dosovitskiy et al. 2014, NeurIPS); ``scnnbio.conversion.convert`` makes a network
  of it.
- ``surrogate``: the layer itself, of LIF neurons with the same spread of time constants, learns the
  same from the same patches as spikes, by surrogate gradients.

A fifth of the patches, with shifts of their own, says how well the place is named. OUT.npz holds
the kernels for experiments/three_ways.toml, each with the mean length of the STDP kernels:
thresholds adapt to the rest there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.backends.torch import Training, train
from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.conversion import convert
from scnnbio.experiment import Experiment, Record, load
from scnnbio.experiment.weights import PROVENANCE
from scnnbio.inputs import FromFrames, FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.population import Population
from scnnbio.progress import progress
from scnnbio.stimuli.photographs import sample_patch
from scnnbio.stimuli.pictures import load_photographs

FloatArray = NDArray[np.float64]
MAPS, EXTENT, SIZE, STRIDE, ZOOM = 32, 15, 11, 2, 1.25
#: Neurons that vote for each exemplar.
VOTES = 5
#: Places of the photographs that are to be named, and how far patches are shifted from them at
#: most, in pixels of the photograph along each axis.
EXEMPLARS, SHIFT = 40, 3.0
#: Least standard deviation of an exemplar, as a share of its photograph's.
CONTRAST = 0.5
#: Share of patches that judge.
HELD = 0.2


def patches(frames: FromFrames, n: int, seed: int) -> tuple[FloatArray, NDArray[Any], NDArray[Any]]:
    """LGN drives (n, 2, row, column) of patches, their exemplars, and which of them judge."""
    library, rng = load_photographs("bundled"), np.random.default_rng(seed)
    side = EXTENT + 2 * frames.encoding.margin
    half = (side - 1) / 2 / ZOOM + SHIFT
    exemplars: list[tuple[FloatArray, FloatArray]] = []
    while len(exemplars) < EXEMPLARS:
        image = library.images[len(exemplars) % len(library.images)]
        place = rng.uniform(half, np.array(image.shape) - 1 - half)
        patch = sample_patch(image, (side, side), tuple(place), 0.0, ZOOM)
        if patch.std() >= CONTRAST * image.std():
            exemplars.append((image, place))
    labels, judges = rng.integers(0, EXEMPLARS, n), rng.random(n) < HELD
    drives = []
    for label in labels:
        image, place = exemplars[label]
        shifted = place + rng.uniform(-SHIFT, SHIFT, 2)
        patch = sample_patch(image, (side, side), tuple(shifted), 0.0, ZOOM)
        drives.append(frames.encoding.lgn.drive(patch[np.newaxis])[0])
    return np.array(drives), labels, judges


def by_stdp(seed: int) -> tuple[FloatArray, Network]:
    """Kernels that STDP learns, and their network."""
    study = load("v1_features", profile="quick", seed=seed)
    experiment = next(s.experiment for s in study.stages if s.name == "learn")
    with progress() as report:
        run = backends.get("brian2-standalone").run(experiment, report)
    return run.weights["lgn_v1"], experiment.network


def by_conversion(
    drives: FloatArray, labels: NDArray[Any], judges: NDArray[Any], epochs: int, seed: int
) -> tuple[FloatArray, float]:
    """Kernels of a converted module, and its accuracy on the patches that judge."""
    torch.manual_seed(seed)
    side = (EXTENT - SIZE) // STRIDE + 1
    module = nn.Sequential(
        nn.Conv2d(2, MAPS, SIZE, stride=STRIDE),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(MAPS * side**2, int(labels.max()) + 1),
    )
    given, wanted = torch.from_numpy(drives).float(), torch.from_numpy(labels).long()
    learns = np.flatnonzero(~judges)
    optimiser = torch.optim.AdamW(module.parameters(), lr=2e-3, weight_decay=1e-2)
    order = np.random.default_rng(seed)
    for _ in range(epochs):
        for chosen in np.array_split(order.permutation(learns), len(learns) // 64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(given[chosen]), wanted[chosen]).backward()
            optimiser.step()
    module.eval()
    with torch.no_grad():
        found = module(given[judges]).argmax(1)
    converted = convert(module.double(), drives[learns][:500], percentile=99.9)
    first = converted.network.projections[0]
    return first.weight * first.kernel, float((found == wanted[judges]).double().mean())


def shown(
    network: Network, frames: FromFrames, drives: FloatArray, labels: NDArray[Any]
) -> Experiment:
    """An experiment that shows patches as the spikes of LGN cells, with their labels."""
    rng = np.random.default_rng(0)  # a latency code draws nothing
    each = [frames.encoding.code.spikes(d[np.newaxis], frames.duration, 1.0, rng) for d in drives]
    steps, units = (np.concatenate(column) for column in zip(*each, strict=True))
    trial = np.repeat(np.arange(len(drives)), [len(step) for step, _ in each])
    shape = (2, EXTENT, EXTENT)
    spikes = FromSpikes(
        steps.astype(float), units, trial, shape, len(drives), frames.duration, {"exemplar": labels}
    )
    return Experiment(network, inputs={"lgn": spikes}, record=Record(("names",)), dt=1.0)


def layer_and_votes(like: Network, classes: int, seed: int) -> Network:
    """The layer of a network with kernels as drawn, before neurons that vote for exemplars."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0.0, 2.0, (MAPS, 2, SIZE, SIZE))
    first = ConvolutionConnector(kernel, (2, EXTENT, EXTENT), stride=STRIDE)
    v1 = like.population("v1")
    size = int(np.prod(v1.shape))
    weights = rng.normal(0.0, 40.0 * size**-0.5, (classes * VOTES, size))
    votes = DenseConnector(weights, v1.shape, (classes, VOTES, 1))
    # As in the gratings, a cell may fire again after 5 ms.
    parameters = {**v1.parameters, "tau_refrac": 5.0}
    return Network(
        (
            like.population("lgn"),
            Population("v1", v1.shape, v1.neuron, parameters),
            Population("names", (classes, VOTES, 1), v1.neuron, {"tau_refrac": 1.0}),
        ),
        (
            Projection("lgn", "v1", first, 1.0, 1.0, "membrane"),
            Projection("v1", "names", votes, 1.0, 1.0, "membrane"),
        ),
    )


def by_surrogate(
    learns: Experiment, judges: Experiment, epochs: int
) -> tuple[FloatArray, float, dict[str, Any]]:
    """Kernels that surrogate gradients learn in the layer, its accuracy, and its last epoch."""
    training = Training(epochs=epochs, batch=64, sharpness=2.0)
    with progress() as report:
        trained = train(learns, "exemplar", "names", training, report=report)
    run = backends.get("torch").run(
        Experiment(trained.network, inputs=judges.inputs, record=judges.record, dt=1.0)
    )
    right = decoded(run.recording, "names") == run.recording.trials["exemplar"]
    last = trained.layers[trained.layers["epoch"] == trained.layers["epoch"].max()]
    return trained.network.projection("lgn_v1").kernel, float(right.mean()), last.to_dict("list")


def main(words: Sequence[str] | None = None) -> dict[str, Any]:
    """Learn in three ways, and write the kernels and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--patches", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    torch.set_num_threads(1)
    clock = [time.perf_counter()]
    kernels: dict[str, FloatArray] = {}
    made: dict[str, Any] = {"seed": asked.seed, "patches": asked.patches, "epochs": asked.epochs}
    kernels["stdp"], network = by_stdp(asked.seed)
    clock.append(time.perf_counter())
    study = load("v1_features", profile="quick", seed=asked.seed)
    frames = next(s.experiment.frames for s in study.stages if s.name == "learn")
    drives, labels, judges = patches(frames, asked.patches, asked.seed)
    found = by_conversion(drives, labels, judges, 2 * asked.epochs, asked.seed)
    kernels["conversion"], made["conversion_accuracy"] = found
    clock.append(time.perf_counter())
    base = layer_and_votes(network, int(labels.max()) + 1, asked.seed)
    parts = (shown(base, frames, drives[some], labels[some]) for some in (~judges, judges))
    trained = by_surrogate(*parts, asked.epochs)
    kernels["surrogate"], made["surrogate_accuracy"], made["surrogate_layers"] = trained
    clock.append(time.perf_counter())
    made["seconds"] = dict(zip(kernels, np.diff(clock).tolist(), strict=True))
    lengths = {n: np.sqrt((k**2).sum(axis=(1, 2, 3), keepdims=True)) for n, k in kernels.items()}
    unit = float(lengths["stdp"].mean())
    for name in ("conversion", "surrogate"):
        kernels[name] = kernels[name] * unit / lengths[name].clip(1e-12)
    kept = {f"{name}/lgn_v1": kernel.astype(np.float32) for name, kernel in kernels.items()}
    provenance = {"study": "three_ways", **made}
    np.savez_compressed(asked.out, **kept, **{PROVENANCE: np.array(json.dumps(provenance))})
    print(json.dumps(made, indent=1))
    return made


if __name__ == "__main__":
    main()
