"""Robustness: three networks that name digits, learned in three ways, with faults.

python -m analysis.robustness MNIST.npz OUT --module module.npz --surrogate network.npz

module.npz is what ``analysis/digits_conversion.py`` writes, and network.npz what
``analysis/digits_surrogate.py`` writes. The kernels of STDP are learned here, as
``experiments/digits_stdp.toml`` learns them, in seconds; a linear classifier then learns from the
layer's spikes for clean images.

Nothing learns with faults. The first test images are shown in blocks, and each block has faults of
its own draw. Writes ``WAY.json`` for each way, ``robustness.json`` for all that are there, and the
figure ``robustness``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.analysis.digits import layer_read_out, quarters
from scnnbio.analysis.perturbing import with_dead_cells, with_threshold_spread, with_weight_noise
from scnnbio.analysis.readout import Accuracy
from scnnbio.encoding import Code, JitteredCode, LatencyCode, RegularCode, ThinnedCode
from scnnbio.experiment import Experiment, Record, load
from scnnbio.figures.robustness import robustness_figure
from scnnbio.figures.style import save
from scnnbio.inputs import FromImages
from scnnbio.network import Network

ROOT = Path(__file__).resolve().parents[1]
#: Levels of each fault; the first is none. Jitter in ms, the others as shares.
LEVELS = {
    "jitter": (0.0, 0.5, 1.0, 2.0, 4.0),
    "lost spikes": (0.0, 0.1, 0.2, 0.4, 0.6),
    "weight noise": (0.0, 0.1, 0.2, 0.4, 0.8),
    "dead cells": (0.0, 0.05, 0.1, 0.2, 0.4),
    "threshold spread": (0.0, 0.05, 0.1, 0.2, 0.4),
}
#: Faults of the input; the others are of the network.
OF_INPUT = ("jitter", "lost spikes")
#: Steps in which each layer of the converted network has its input.
STEPS = 8
#: Training images from which the classifier of STDP features learns, and on which it is chosen.
LEARNED, VALIDATION = 10_000, 2_000
#: Draws of the faults: blocks of test images.
DRAWS = 4

Arrays = dict[str, NDArray[Any]]
#: Changes a code, or leaves it.
Wrap = Callable[[Code], Code]


class Way(ABC):
    """A network that names digits. Its thresholds are all the same."""

    name: str
    network: Network
    #: Of every cell, above rest (mV).
    threshold: float
    #: Populations in which cells die and thresholds differ.
    cells: tuple[str, ...]

    @abstractmethod
    def named(self, network: Network, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """Names of images by the network with faults."""

    @abstractmethod
    def named_through(self, wrap: Wrap, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """Names of images whose spikes a code perturbs."""

    def with_fault(self, fault: str, level: float, images: NDArray[Any], seed: int) -> Any:
        """Names of images with a fault of that level."""
        if fault == "jitter":
            return self.named_through(lambda code: JitteredCode(code, level), images, seed)
        if fault == "lost spikes":
            return self.named_through(lambda code: ThinnedCode(code, level), images, seed)
        if fault == "weight noise":
            changed = with_weight_noise(self.network, level, seed)
        elif fault == "dead cells":
            changed = with_dead_cells(self.network, level, seed, self.cells)
        else:
            spread = level * self.threshold
            changed = with_threshold_spread(self.network, spread, seed, self.cells)
        return self.named(changed, images, seed)


def _run(experiment: Experiment) -> Any:
    quiet = dataclasses.replace(experiment, learning=False)
    return backends.get("brian2-standalone").run(quiet)


@final
class Stdp(Way):
    """Kernels learned by STDP, and a linear classifier of clean features."""

    name, cells = "STDP", ("v1",)

    def __init__(self, data: Path, arrays: Arrays) -> None:
        study = load(
            ROOT / "experiments/digits_stdp.toml",
            profile="mnist",
            settings=(f"images={data}", "stages.untrained.inputs.retina.part=train"),
        )
        stage = next(s for s in study.stages if s.name == "unlabelled")
        weights = backends.get("brian2-standalone").run(stage.experiment).weights
        learned = stage.experiment.network.with_weights(weights)
        # Without the rule, whose bounds noisy weights would leave.
        self.network = learned.without_plasticity()
        self.threshold = float(self.network.population("v1").channel_values("v_thresh")[0])
        given: Any = stage.experiment.inputs["retina"]
        self.code, self.duration = given.code, given.duration
        self.base = dataclasses.replace(stage.experiment, record=Record(("v1",)))
        train = slice(0, LEARNED)
        held = slice(len(arrays["x_train"]) - VALIDATION, None)
        parts = [arrays["x_train"][train], arrays["x_train"][held], arrays["x_test"][:500]]
        labels = [arrays["y_train"][train], arrays["y_train"][held], arrays["y_test"][:500]]
        names = ("train", "validation", "test")
        columns = {
            "label": np.concatenate(labels).astype(np.int64),
            "part": np.repeat(names, [len(one) for one in labels]),
        }
        shown = self._shown(self.network, self.code, np.concatenate(parts), 1, columns)
        self.classifier = layer_read_out(_run(shown), "v1").classifier

    def _shown(
        self, network: Network, code: Code, images: NDArray[Any], seed: int, columns: Any = None
    ) -> Experiment:
        given = FromImages(images, code, self.duration, columns or {})
        return dataclasses.replace(self.base, network=network, inputs={"retina": given}, seed=seed)

    def _names(self, experiment: Experiment) -> NDArray[Any]:
        recording = _run(experiment).recording
        features = quarters("v1", recording.shapes["v1"]).of(recording)
        return np.asarray(self.classifier.predict(features))

    def named(self, network: Network, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named`."""
        return self._names(self._shown(network, self.code, images, seed))

    def named_through(self, wrap: Wrap, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named_through`."""
        return self._names(self._shown(self.network, wrap(self.code), images, seed))


@final
class Surrogate(Way):
    """Two convolutions and ten votes per digit, trained by surrogate gradients."""

    name, threshold, cells = "surrogate", 1.0, ("one", "two")

    def __init__(self, saved: Path) -> None:
        from analysis.digits_surrogate import Times

        self.network = Network.load(saved)
        self.code = LatencyCode(budget=784, window=5.0, onset=1.0)
        self.duration = float(Times().steps)

    def _names(self, network: Network, code: Code, images: Any, seed: int) -> NDArray[Any]:
        given = FromImages(images, code, self.duration)
        record = Record(("digits",))
        (source,) = network.sources
        inputs = {source.name: given}
        shown = Experiment(network, inputs=inputs, record=record, dt=1.0, seed=seed)
        return np.asarray(decoded(_run(shown).recording, "digits"))

    def named(self, network: Network, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named`."""
        return self._names(network, self.code, images, seed)

    def named_through(self, wrap: Wrap, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named_through`."""
        return self._names(self.network, wrap(self.code), images, seed)


@final
class Conversion(Way):
    """A converted network, whose input is a current; for faults of the input, regular spikes."""

    name, threshold = "conversion", 1.0

    def __init__(self, saved: Path, arrays: Arrays) -> None:
        import torch

        from analysis.digits_conversion import MEASURED, as_tensor, network
        from scnnbio.conversion import convert

        module = network(8)
        with np.load(saved) as weights:
            module.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
        measured = as_tensor(arrays["x_train"][:MEASURED]).double().numpy()
        self.by_values = convert(module, measured)
        self.by_spikes = convert(module, measured, source="spikes")
        self.network = self.by_values.network
        self.cells = tuple(one.name for one in self.by_values.layers if one.fires)
        # A spike in each step for white.
        self.code = RegularCode(gain=1000.0, max_rate=1000.0, begins="middle")

    def named(self, network: Network, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named`."""
        changed = dataclasses.replace(self.by_values, network=network)
        values = images[:, None].astype(float) / 255.0
        run = _run(changed.experiment(values, STEPS, only_output=True, seed=seed))
        return np.asarray(changed.outputs(run.recording, STEPS).argmax(axis=1))

    def named_through(self, wrap: Wrap, images: NDArray[Any], seed: int) -> NDArray[Any]:
        """See :meth:`Way.named_through`."""
        converted = self.by_spikes
        given = FromImages(images, wrap(self.code), converted.duration(STEPS))
        run = _run(converted.experiment(given, STEPS, only_output=True, seed=seed))
        return np.asarray(converted.outputs(run.recording, STEPS).argmax(axis=1))


def measured(way: Way, images: NDArray[Any], labels: NDArray[Any]) -> dict[str, Any]:
    """Numbers of images that are named rightly, by fault, level and draw."""
    found: dict[str, Any] = {"n": len(images), "levels": LEVELS, "correct": {}}
    known: dict[Any, list[int]] = {}  # level 0 is measured once for the input and once for others
    blocks = np.array_split(np.arange(len(images)), DRAWS)
    for fault, levels in LEVELS.items():
        found["correct"][fault] = []
        for level in levels:
            began = time.perf_counter()
            alike = (fault in OF_INPUT, level if level else "none", fault if level else "")
            right = known.get(alike) or [
                int((way.with_fault(fault, level, images[b], seed) == labels[b]).sum())
                for seed, b in enumerate(blocks, 1)
            ]
            known[alike] = right
            found["correct"][fault].append(right)
            accuracy = Accuracy(sum(right), len(images))
            seconds = time.perf_counter() - began
            print(f"{way.name}: {fault} {level:g}: {accuracy!r} {seconds:.1f} s", flush=True)
    return found


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--module", type=Path, help="weights of digits_conversion.py")
    parser.add_argument("--surrogate", type=Path, help="network of digits_surrogate.py")
    parser.add_argument("--tested", type=int, default=500, help="so many test images, the first")
    parser.add_argument(
        "--ways", nargs="*", default=["STDP", "conversion", "surrogate"],
        help="only these; joined with those of earlier runs in OUT",
    )  # fmt: skip
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure each way, and write and draw all that are there."""
    asked = _asked(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    with np.load(asked.data) as data:
        arrays = {name: data[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    makers: dict[str, Callable[[], Way]] = {
        "STDP": lambda: Stdp(asked.data.resolve(), arrays),
        "conversion": lambda: Conversion(asked.module, arrays),
        "surrogate": lambda: Surrogate(asked.surrogate),
    }
    images, labels = arrays["x_test"][: asked.tested], arrays["y_test"][: asked.tested]
    for name in asked.ways:
        found = measured(makers[name](), images, labels)
        (asked.out / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    paths = {name: asked.out / f"{name}.json" for name in makers}
    kept = {n: json.loads(p.read_text(encoding="utf-8")) for n, p in paths.items() if p.is_file()}
    (asked.out / "robustness.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    save(robustness_figure(kept), asked.out, "robustness")
    return kept


if __name__ == "__main__":
    main()
