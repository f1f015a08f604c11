"""A converted network beside snnTorch and SpikingJelly, which step it densely.

The module is that of ``analysis/digits_conversion.py``, trained with QCFS of eight levels.
Everybody computes with its weights: neurons without leak that begin at half their threshold, a
reset by subtraction, a current that is constant for T = 8 steps, and the sum of the last layer's
input as the answer. The frameworks pool as the module does, compute the first convolution once for
all steps, and take 100 images at a time in single precision. In scnnbio every layer is a step later
than the one before, so that a trial has 12 steps.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer import Peer
from scnnbio import backends
from scnnbio.experiment import Experiment

#: Steps in which each layer has its input.
STEPS = 8
#: Where a process finds the weights and the images.
_FILE = "SCNNBIO_PEERS_CONVERTED"
_BATCH = 100
#: For training, where no weights are given.
_EPOCHS, _RATE = 4, 4e-3


def prepare(folder: Path, module: Path | None, mnist: Path | None, images: int) -> None:
    """Write weights and images to a folder, where the programs find them.

    Parameters
    ----------
    folder : Path
    module : Path, optional
        Weights that ``analysis/digits_conversion.py`` wrote; trained here if not given.
    mnist : Path, optional
        Images, as for ``analysis/digits_conversion.py``; digits of scikit-learn if not given.
    images : int
        Number of images in one turn; they repeat if there are fewer.
    """
    train, test, labels = _of_mnist(mnist) if mnist else _of_sklearn()
    if module is not None:
        with np.load(module) as found:
            weights = dict(found)
    else:
        weights = _trained(train, mnist)
    chosen = np.resize(np.arange(len(test)), images)
    given = {f"weights/{name}": value for name, value in weights.items()}
    file = folder / "converted.npz"
    np.savez(file, measured=train[:1000], images=test[chosen], labels=labels[chosen], **given)
    os.environ[_FILE] = str(file)


def _of_mnist(path: Path) -> tuple[NDArray[Any], ...]:
    with np.load(path) as data:
        return data["x_train"][:5000], data["x_test"], data["y_test"]


def _of_sklearn() -> tuple[NDArray[Any], ...]:
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.kron(np.rint(data.images * 255 / 16).astype(np.uint8), np.ones((3, 3), np.uint8))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return images[:1000], images[1000:], data.target[1000:]


def _trained(images: NDArray[Any], mnist: Path | None) -> dict[str, NDArray[Any]]:
    import torch
    from torch import nn

    from analysis.digits_conversion import as_tensor, network

    if mnist is not None:
        with np.load(mnist) as data:
            labels = data["y_train"][: len(images)]
    else:
        from sklearn.datasets import load_digits

        labels = load_digits().target[: len(images)]
    torch.manual_seed(1)
    module, given = network(STEPS), as_tensor(images)
    wanted = torch.from_numpy(np.asarray(labels)).long()
    optimiser = torch.optim.AdamW(module.parameters(), lr=_RATE)
    for _ in range(_EPOCHS):
        for chosen in torch.randperm(len(given)).split(50):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(given[chosen]), wanted[chosen]).backward()
            optimiser.step()
    return {name: value.numpy() for name, value in module.state_dict().items()}


class _Shown(Peer):
    """A program that answers which digit each image shows."""

    def prepare(self) -> None:
        if self.threads == 1:
            # One core, also for a program beside Python.
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import torch

        from analysis.digits_conversion import as_tensor, network

        torch.set_num_threads(self.threads)
        with np.load(os.environ[_FILE]) as data:
            self.images, self.labels = as_tensor(data["images"]), data["labels"]
            self.measured = as_tensor(data["measured"]).double().numpy()
            names = [name for name in data.files if name.startswith("weights/")]
            weights = {name[8:]: torch.from_numpy(data[name]) for name in names}
        self.module: Any = network(STEPS)
        self.module.load_state_dict(weights)
        self.module.eval()
        self.build()

    @abstractmethod
    def build(self) -> None:
        """Build the network."""

    def run(self) -> int:
        """Show all images; the number of right answers."""
        return int((self.answers() == self.labels).sum())

    @abstractmethod
    def answers(self) -> NDArray[np.int64]:
        """The digit of each image."""


class Converted(_Shown):
    """The whole run of ``brian2-standalone``, in as many processes as there are threads."""

    name: ClassVar[str] = "scnnbio, brian2-standalone"
    precision: ClassVar[str] = "double"

    def build(self) -> None:
        from scnnbio.conversion import convert

        self.backend = backends.get("brian2-standalone", {"precision": self.precision})
        self.converted = convert(self.module, self.measured)
        self.values = self.images.double().numpy()
        self.backend.run(self._experiment(2))  # compiles

    def _experiment(self, images: int) -> Experiment:
        shown = self.values[:images]
        return self.converted.experiment(shown, STEPS, only_output=True, stops=True)

    def answers(self) -> NDArray[np.int64]:
        from scnnbio.jobs.stages import run_portions

        run = run_portions(self._experiment(len(self.values)), self.backend, jobs=self.threads)
        return self.converted.outputs(run.recording, STEPS).argmax(axis=1)


class ConvertedSingle(Converted):
    """The same in single precision."""

    name: ClassVar[str] = "scnnbio, brian2-standalone, single"
    precision: ClassVar[str] = "single"


class _Dense(_Shown):
    """Dense steps of a framework's neurons, between the module's own layers."""

    def build(self) -> None:
        import torch

        self.torch: Any = torch
        functional = torch.nn.functional
        one, two = (self._folded(k) for k in (0, 4))
        kappa = [float(self.module[k].threshold) for k in (2, 6, 10)]
        three, four = self.module[9], self.module[12]

        def first(images: Any) -> Any:
            return functional.conv2d(images, *one, padding=2) / kappa[0]

        def second(spikes: Any) -> Any:
            return functional.conv2d(functional.avg_pool2d(spikes, 2) * kappa[0], *two) / kappa[1]

        def third(spikes: Any) -> Any:
            return three(functional.avg_pool2d(spikes, 2).flatten(1) * kappa[1]) / kappa[2]

        self.layers = first, second, third
        self.last: Any = lambda spikes: four(spikes * kappa[2])
        self.neurons()

    def _folded(self, k: int) -> tuple[Any, Any]:
        """Weights and biases of a convolution and the batch normalisation after it."""
        convolution, norm = self.module[k], self.module[k + 1]
        factor = norm.weight / self.torch.sqrt(norm.running_var + norm.eps)
        bias = norm.bias - norm.running_mean * factor
        return convolution.weight * factor[:, None, None, None], bias

    def neurons(self) -> None:
        """Build three layers of neurons."""

    def begin(self) -> None:
        """Set every neuron to half its threshold."""

    def fired(self, layer: int, current: Any) -> Any:
        """Spikes of a layer in one step."""

    def answers(self) -> NDArray[np.int64]:
        found: list[Any] = []
        with self.torch.no_grad():
            for images in self.images.split(_BATCH):
                self.begin()
                current: Any = self.layers[0](images)
                total: Any = self.torch.zeros(len(images), 10)
                for _ in range(STEPS):
                    spikes = self.fired(0, current)
                    for k in (1, 2):
                        spikes = self.fired(k, self.layers[k](spikes))
                    total = total + self.last(spikes)
                found.append(total.argmax(1).numpy())
        return np.concatenate(found)


class ConvertedSnnTorch(_Dense):
    """``Leaky`` with a decay of one."""

    name: ClassVar[str] = "snnTorch"

    def neurons(self) -> None:
        import snntorch

        self.cells: list[Any] = [snntorch.Leaky(1.0, reset_mechanism="subtract") for _ in range(3)]

    def begin(self) -> None:
        self.states: list[Any] = [None, None, None]

    def fired(self, layer: int, current: Any) -> Any:
        if self.states[layer] is None:
            self.states[layer] = self.torch.full_like(current, 0.5)
        spikes, self.states[layer] = self.cells[layer](current, self.states[layer])
        return spikes


class ConvertedSpikingJelly(_Dense):
    """``IFNode`` with a soft reset."""

    name: ClassVar[str] = "SpikingJelly"

    def neurons(self) -> None:
        from spikingjelly.activation_based import neuron

        self.cells: list[Any] = [neuron.IFNode(v_threshold=1.0, v_reset=None) for _ in range(3)]
        for cell in self.cells:
            cell.eval()

    def begin(self) -> None:
        for cell in self.cells:
            cell.reset()
            cell.v = 0.5

    def fired(self, layer: int, current: Any) -> Any:
        return self.cells[layer](current)


ALL = (Converted, ConvertedSingle, ConvertedSnnTorch, ConvertedSpikingJelly)


def table(results: dict[str, dict[str, dict[str, float]]], images: int) -> list[str]:
    """Rows of a table: images per second, and time over that of the first program.

    Processor time is that of one process and its program, so that there is none on two cores, where
    scnnbio divides images over processes.
    """
    lines = [
        "| | | images per s | images per CPU s | wall over ours | CPU over ours | right (%) |",
        "|" + " --- |" * 7,
    ]
    for key, rows in results.items():
        ours = next(iter(rows.values()))
        for name, row in rows.items():
            cells = [key, name]
            one = key.endswith("core")
            cells += [f"{images / row['wall_s']:,.0f}"]
            cells += [f"{images / row['cpu_s']:,.0f}" if one else "-"]
            cells += [f"{row['wall_s'] / ours['wall_s']:.2f}"]
            cells += [f"{row['cpu_s'] / ours['cpu_s']:.2f}" if one else "-"]
            cells.append(f"{100 * row['spikes'] / images:.2f}")
            lines.append("| " + " | ".join(cells) + " |")
    return lines
