"""Handwritten digits by conversion: a small convolutional network, trained and turned into spikes.

python analysis/digits_conversion.py MNIST.npz OUT_FOLDER [--epochs 8] [--seed 1] [--tested 1000]

MNIST.npz holds ``x_train``, ``y_train``, ``x_test`` and ``y_test``. The last 5,000 images for
training are for validation: they choose the epoch. The network is then converted, and shown the
test images, each as constant currents. One run of the longest T gives the accuracy for every
shorter one.

Writes the module's weights (``module.npz``), the network (``network.npz``), ``result.json`` and the
figures ``conversion`` and ``rates``. With ``--module`` it takes the weights of an earlier run.
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
from scnnbio.conversion import QCFS, Converted, compare, convert
from scnnbio.figures.conversion import conversion_figure, rates_figure
from scnnbio.figures.style import save

#: Of the images for training, at their end.
VALIDATION = 5000
#: Images on which activations are measured, the first for training.
MEASURED = 1000
#: Images whose rates are drawn against activations.
DRAWN = 50


def network(levels: int | None, maps: Sequence[int] = (16, 32), hidden: int = 128) -> nn.Module:
    """Two convolutions with pooling, and two dense layers; with ReLU if there are no levels."""
    first, second = maps

    def activation() -> nn.Module:
        return nn.ReLU() if levels is None else QCFS(levels, 2.0)

    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2, bias=False),
        nn.BatchNorm2d(first),
        activation(),
        nn.AvgPool2d(2),
        nn.Conv2d(first, second, 5, bias=False),
        nn.BatchNorm2d(second),
        activation(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(second * 25, hidden),
        activation(),
        nn.Dropout(0.2),
        nn.Linear(hidden, 10),
    )


def as_tensor(images: NDArray[Any]) -> torch.Tensor:
    """Images (n, row, column) of bytes as values from 0 to 1, with an axis of channels."""
    return torch.from_numpy(images[:, None].astype(np.float32) / 255.0)


def accuracy(module: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of images whose largest output is that of their label."""
    module.eval()
    with torch.no_grad():
        right = [
            int((module(x).argmax(1) == y).sum())
            for x, y in zip(images.split(500), labels.split(500), strict=True)
        ]
    return sum(right) / len(labels)


def trained(module: nn.Module, arrays: dict[str, NDArray[Any]], asked: Any) -> dict[str, Any]:
    """Train the module, leave it as in the epoch that validation chose, and say how it went."""
    images, labels = as_tensor(arrays["x_train"]), torch.from_numpy(arrays["y_train"]).long()
    held = images[-VALIDATION:], labels[-VALIDATION:]
    images, labels = images[:-VALIDATION][: asked.images], labels[:-VALIDATION][: asked.images]
    optimiser = torch.optim.AdamW(module.parameters(), lr=asked.rate, weight_decay=1e-4)
    batches = -(-len(images) // asked.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, asked.rate, total_steps=asked.epochs * batches
    )
    order = np.random.default_rng(asked.seed)
    best, kept, course, began = -1.0, {}, [], time.perf_counter()
    for epoch in range(asked.epochs):
        module.train()
        for chosen in np.array_split(order.permutation(len(images)), batches):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(module(images[chosen]), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
        course.append(accuracy(module, *held))
        print(f"epoch {epoch + 1}: {course[-1]:.4f} on validation", flush=True)
        if course[-1] > best:
            best = course[-1]
            kept = {name: value.clone() for name, value in module.state_dict().items()}
    module.load_state_dict(kept)
    return {"validation": course, "training_s": time.perf_counter() - began}


def shown(
    converted: Converted,
    images: NDArray[np.float64],
    labels: NDArray[Any],
    steps: Sequence[int],
    backend: str,
    chunk: int,
) -> dict[str, list[float]]:
    """Accuracy, spikes and synaptic operations per image after each number of steps."""
    right, spikes, operations = (np.zeros(len(steps)) for _ in range(3))
    for begin in range(0, len(images), chunk):
        part = slice(begin, begin + chunk)
        experiment = converted.experiment(images[part], max(steps))
        recording = backends.get(backend).run(experiment).recording
        for k, after in enumerate(steps):
            found = converted.outputs(recording, after).argmax(axis=1)
            right[k] += (found == labels[part]).sum()
            fired = [layer.name for layer in converted.layers if layer.fires]
            spikes[k] += sum(converted.counts(recording, name, after).sum() for name in fired)
            operations[k] += converted.operations(recording, after).sum()
        done = min(begin + chunk, len(images))
        shares = ", ".join(f"{share:.4f}" for share in right / done)
        print(f"{backend}: {done} of {len(images)} images, right {shares}", flush=True)
    return {
        "steps": list(steps),
        "accuracy": (right / len(images)).tolist(),
        "spikes": (spikes / len(images)).tolist(),
        "operations": (operations / len(images)).tolist(),
    }


def multiplications(module: nn.Module) -> int:
    """Multiplications of the module for one image."""
    total = 0

    def count(layer: Any, _: Any, given: Any) -> None:
        nonlocal total
        per_value = layer.weight[0].numel()
        total += per_value * given[0].numel()

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        module.eval()(torch.zeros(1, 1, 28, 28))
    for handle in handles:
        handle.remove()
    return total


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.004, help="highest learning rate")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--levels", type=int, default=8, help="of QCFS; 0 for a ReLU")
    parser.add_argument("--percentile", type=float, default=99.9, help="with a ReLU")
    parser.add_argument("--images", type=int, default=None, help="only so many for training")
    parser.add_argument("--tested", type=int, default=None, help="only so many of the test images")
    parser.add_argument("--steps", type=int, nargs="*", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument(
        "--chunk", type=int, default=200, help="images in one run, which fits in memory"
    )
    parser.add_argument("--module", type=Path, default=None, help="weights of an earlier run")
    parser.add_argument("--judge", nargs="*", default=["brian2-standalone"])
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> dict[str, Any]:
    """Train, choose, convert, show the test images, and write what came of it."""
    asked = _asked(words)
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    with np.load(asked.data) as data:
        arrays = {name: data[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    module = network(asked.levels or None)
    result: dict[str, Any] = {"levels": asked.levels, "seed": asked.seed}
    if asked.module is not None:
        with np.load(asked.module) as weights:
            module.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    else:
        result |= trained(module, arrays, asked)
        state = {name: value.numpy() for name, value in module.state_dict().items()}
        np.savez(asked.out / "module.npz", **state)
    images, labels = arrays["x_test"][: asked.tested], arrays["y_test"][: asked.tested]
    result["module_accuracy"] = accuracy(module, as_tensor(images), torch.from_numpy(labels).long())
    result |= {"tested": len(images), "multiplications": multiplications(module)}
    measured = as_tensor(arrays["x_train"][:MEASURED]).double().numpy()
    converted = convert(module, measured, percentile=asked.percentile)
    converted.network.save(asked.out / "network.npz")
    values = as_tensor(images).double().numpy()
    for backend in asked.judge:
        began = time.perf_counter()
        result[backend] = shown(converted, values, labels, asked.steps, backend, asked.chunk)
        result[backend]["seconds"] = time.perf_counter() - began
        print(backend, json.dumps(result[backend]), flush=True)
    (asked.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    draw(result, converted, module, values, asked)
    return result


def draw(
    result: dict[str, Any], converted: Converted, module: nn.Module, values: Any, asked: Any
) -> None:
    """Write the two figures."""
    if not asked.judge:
        return
    curve = result[asked.judge[0]]
    figure = conversion_figure(
        *(np.array(curve[name]) for name in ("steps", "accuracy", "spikes", "operations")),
        module_accuracy=result["module_accuracy"],
        multiplications=result["multiplications"],
        tested=result["tested"],
    )
    save(figure, asked.out, "conversion")
    steps = max(asked.steps)
    experiment = converted.experiment(values[:DRAWN], steps)
    recording = backends.get(asked.judge[0]).run(experiment).recording
    save(
        rates_figure(compare(converted, module, values[:DRAWN], recording, steps)),
        asked.out,
        "rates",
    )


if __name__ == "__main__":
    main()
