"""The module of a network: trained, and converted back into the network's kernels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.conversion.activation import QCFS
from scnnbio.conversion.affine import FloatArray
from scnnbio.conversion.building import convert
from scnnbio.errors import SpecError
from scnnbio.experiment import Report
from scnnbio.experiment.gradient import ByConversion
from scnnbio.network import Network, Projection

Labelled = tuple[FloatArray, NDArray[np.int64]]
#: Images on which convert measures activations; a QCFS does not need them.
_MEASURED = 100


@dataclass(frozen=True, eq=False)
class TrainedModule:
    """A trained module as kernels of the network that it is the module of.

    Parameters
    ----------
    kernels : mapping of str to ndarray
        By projection.
    epochs : list of mapping
        Loss, accuracy and validation (None without) of each epoch.
    chosen : int
        The epoch that was kept.
    scales : mapping of str to float
        Activation that stands for one spike per step, by population.
    """

    kernels: Mapping[str, FloatArray]
    epochs: list[dict[str, Any]]
    chosen: int
    scales: Mapping[str, float]


def chain(network: Network, readout: str) -> list[Projection]:
    """The projections from the source to the readout, in order.

    Raises
    ------
    SpecError
        If the network is not a chain of populations, or a projection has no torch module.
    """
    (source, *others) = network.sources
    if others:
        raise SpecError(
            f"{others[0].name!r} is a second source; a module here has one input", where="network"
        )
    found: list[Projection] = []
    here = source.name
    while len(found) < len(network.projections):
        after = [p for p in network.projections if p.pre == here]
        if len(after) != 1 or len(network.incoming(after[0].post)) != 1:
            raise SpecError(
                f"{len(after)} projections begin at {here!r}; a module here is one layer after"
                " another",
                where="network",
            )
        found += after
        here = after[0].post
    if here != readout:
        raise SpecError(f"the last layer is {here!r}, not {readout!r}", where="training.readout")
    return found


def module_of(network: Network, readout: str, levels: int, threshold: float = 2.0) -> nn.Sequential:
    """The torch module of a network: its convolutions and dense layers, with QCFS between them.

    Parameters
    ----------
    network : Network
        One layer after another.
    readout : str
        The last population.
    levels : int
        L of each QCFS.
    threshold : float
        Of each QCFS, where training begins.

    Returns
    -------
    torch.nn.Sequential
        With the network's kernels and without biases.

    Raises
    ------
    SpecError
        If the network is not of that kind.
    """
    parts: list[nn.Module] = []
    for projection in chain(network, readout):
        connector = projection.connector
        if not connector.present.all():
            raise SpecError(
                "elements of its kernel do not connect, and a module would learn weights for them;"
                " set connect_zeros = true, or begin with weights that are not zero",
                where=f"projection {projection.name!r}",
            )
        if parts:
            parts.append(QCFS(levels, threshold))
        layer: nn.Conv2d | nn.Linear
        if isinstance(connector, DenseConnector):
            kernel = connector.kernel.reshape(
                int(np.prod(connector.out_shape)), int(np.prod(connector.in_shape))
            )
            layer = nn.Linear(kernel.shape[1], kernel.shape[0], bias=False)
            parts.append(nn.Flatten())
        elif (
            type(connector) is ConvolutionConnector
            and connector.groups == 1
            and connector.lags is None
        ):
            kernel = np.asarray(connector.kernel)
            after, before, *size = map(int, np.shape(kernel))
            layer = nn.Conv2d(
                before, after, (size[0], size[1]), connector.stride, connector.padding, bias=False
            )
        else:
            raise SpecError(
                f"{type(connector).__name__} has no module here; use a convolution without groups"
                " and lags, or a dense connection",
                where=f"projection {projection.name!r}",
            )
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.array(kernel)))
        parts.append(layer)
    return nn.Sequential(*parts)


def train_module(
    network: Network,
    how: ByConversion,
    train: Labelled,
    validation: Labelled | None,
    seed: int,
    report: Report,
) -> TrainedModule:
    """Train the module of a network on images, and convert it into the network's kernels.

    Parameters
    ----------
    network : Network
    how : ByConversion
    train, validation : (images (n, channel, row, column), labels (n,))
        Values from 0 to 1.
    seed : int
        Of the order of the images.
    report : callable

    Returns
    -------
    TrainedModule

    Raises
    ------
    SpecError
        If the network is not the one that conversion makes of its module.
    """
    module = module_of(network, how.readout, how.levels)
    images, labels = torch.from_numpy(train[0]).float(), torch.from_numpy(train[1])
    batches = -(-len(images) // how.batch)
    optimiser = torch.optim.AdamW(module.parameters(), lr=how.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, how.learning_rate, total_steps=how.epochs * batches
    )
    order = np.random.default_rng(seed)
    epochs: list[dict[str, Any]] = []
    best, chosen, kept = -1.0, 0, module.state_dict()
    for epoch in range(how.epochs):
        begin, loss_sum, right = time.perf_counter(), 0.0, 0
        phase = f"epoch {epoch + 1} of {how.epochs}{_summary(epochs)}"
        for k, some in enumerate(np.array_split(order.permutation(len(images)), batches)):
            answer = module(images[some])
            loss = nn.functional.cross_entropy(answer, labels[some])
            if not bool(torch.isfinite(loss)):
                raise SpecError(
                    f"the loss is not finite in epoch {epoch + 1}; lower the learning rate",
                    where="training.learning_rate",
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            loss_sum += float(loss.detach()) * len(some)
            right += int((answer.argmax(1) == labels[some]).sum())
            report(phase, k + 1, batches)
        tested = None if validation is None else accuracy(module, *validation)
        epochs.append({
            "epoch": epoch, "loss": loss_sum / len(images), "accuracy": right / len(images),
            "validation": tested, "seconds": time.perf_counter() - begin,
        })  # fmt: skip
        if tested is None or tested > best:
            best, chosen = (tested or 0.0), epoch
            kept = {name: value.clone() for name, value in module.state_dict().items()}
    module.load_state_dict(kept)
    kernels, scales = converted_kernels(network, how.readout, module, train[0][:_MEASURED])
    return TrainedModule(kernels, epochs, chosen, scales)


def accuracy(module: nn.Module, images: FloatArray, labels: NDArray[np.int64]) -> float:
    """Share of images whose largest output is that of their label."""
    with torch.no_grad():
        found = [module(part).argmax(1) for part in torch.from_numpy(images).float().split(500)]
    return float((torch.cat(found).numpy() == labels).mean())


def converted_kernels(
    network: Network, readout: str, module: nn.Sequential, images: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """Kernels of a network after conversion of its module, and the scale of each layer.

    Raises
    ------
    SpecError
        If conversion makes other neurons or delays than the network has.
    """
    projections = chain(network, readout)
    dt = projections[0].delay
    made = convert(module, images, dt, source="spikes")
    theirs = made.network.projections
    kernels: dict[str, FloatArray] = {}
    for ours, found in zip(projections, theirs, strict=True):
        post, after = network.population(ours.post), made.network.population(found.post)
        if post != dataclasses.replace(after, name=post.name):
            raise SpecError(
                f"it is not the layer that conversion makes: {after.neuron.name} with"
                f" {dict(after.parameters)} and {dict(after.initial)} at the beginning",
                where=f"population {post.name!r}",
            )
        if (ours.delay, ours.receptor) != (found.delay, found.receptor):
            raise SpecError(
                f"conversion gives it a delay of {found.delay:g} ms and the receptor"
                f" {found.receptor!r}",
                where=f"projection {ours.name!r}",
            )
        kernels[ours.name] = (found.weight * found.kernel / ours.weight).reshape(ours.kernel.shape)
    names = [p.post for p in projections]
    scales = {n: float(layer.scale[0]) for n, layer in zip(names, made.layers, strict=True)}
    return kernels, scales


def _summary(epochs: list[dict[str, Any]]) -> str:
    if not epochs:
        return ""
    last = epochs[-1]
    tested = "" if last["validation"] is None else f", {last['validation']:.2%} on validation"
    return f" (before: loss {last['loss']:.3g}, {last['accuracy']:.2%} right{tested})"
