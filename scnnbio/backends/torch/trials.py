"""Trials that a network learns from, with their classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends.torch.backend import NO_NOISE, TorchBackend, without_thresholds
from scnnbio.backends.torch.inputs import Trial
from scnnbio.errors import SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Experiment


@dataclass(frozen=True, eq=False)
class Labelled:
    """Trials with their classes.

    Parameters
    ----------
    trials : list of Trial
    labels : Tensor of int64 (trials,)
    """

    trials: list[Trial]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.trials)

    def at(self, chosen: NDArray[np.integer[Any]]) -> Labelled:
        """Some of the trials, in this order."""
        return Labelled([self.trials[k] for k in chosen], self.labels[torch.as_tensor(chosen)])


def labelled(experiment: Experiment, labels: Any, classes: int) -> Labelled:
    """All trials of an experiment, with labels as :func:`checked_labels` takes them."""
    checked = checked_labels(experiment, labels, classes)
    drives = experiment.lowered.drives
    spikes = enumerate(experiment.input_stream().trials())
    return Labelled([Trial(step, unit, drives, k) for k, (step, unit) in spikes], checked)


def alike(given: Any, experiment: Experiment, labels: Any, classes: int, where: str) -> Labelled:
    """Trials of another experiment for the network of this one.

    Parameters
    ----------
    given : Experiment
        Torch has to support it; its network is not used.
    experiment : Experiment
        The one that is trained.
    labels : str
        Column of the trial table.
    classes : int
    where : str
        Argument that gave it, for errors.

    Raises
    ------
    SpecError
        If it is no experiment, its trials differ in step, duration or sources, or labels do not
        fit.
    UnsupportedError
        If torch cannot take it.
    """
    if not isinstance(given, Experiment):
        raise SpecError(f"a {type(given).__name__} is not an Experiment", where=where)
    check_supported(given)
    if not isinstance(labels, str):
        raise SpecError(
            f"{where} has trials of its own; name the column of the trial table that holds the"
            " labels, in place of an array",
            where="labels",
        )
    for what in ("dt", "trial_duration"):
        ours, theirs = getattr(experiment, what), getattr(given, what)
        if ours != theirs:
            raise SpecError(f"{what} is {theirs:g} ms, and in training {ours:g} ms", where=where)
    sources, others = experiment.network.sources, given.network.sources
    if [p.shape for p in sources] != [p.shape for p in others]:
        raise SpecError("its sources have other shapes than those of training", where=where)
    names = [[p.name for p in each] for each in (sources, others)]
    if len(sources) > 1 and names[0] != names[1]:
        raise SpecError(
            f"its sources are {', '.join(names[1])}, and in training {', '.join(names[0])}; give"
            " them the same names and order",
            where=where,
        )
    if given.lowered.drives or experiment.lowered.drives:
        # Delays of values, and the ports that they change, are those of the trained network.
        given = dataclasses.replace(given, network=experiment.network, training=None)
        if _driven(given) != _driven(experiment):
            raise SpecError("its currents go to other neurons than those of training", where=where)
    return labelled(given, labels, classes)


def _driven(experiment: Experiment) -> dict[tuple[str, str], list[type]]:
    """Driven ports, and of which kinds their currents are."""
    return {
        (name, port): [type(one) for one in origins]
        for name, drive in experiment.lowered.drives.items()
        for port, origins in drive.origins.items()
    }


def check_supported(experiment: Experiment) -> None:
    """Raise unless training supports an experiment: as the backend, with adaptive thresholds."""
    backend = TorchBackend()
    if problems := backend.unsupported(without_thresholds(experiment)):
        raise UnsupportedError(backend.name, problems)
    for population in experiment.network.populations:
        if population.noise:
            refusal = Unsupported(f"population {population.name!r}", *NO_NOISE)
            raise UnsupportedError(backend.name, [refusal])
    if not experiment.reset and experiment.n_trials > 1:
        raise SpecError(
            "trials are shown in any order, in parallel, and each starts from rest; set reset ="
            " true",
            where="reset",
        )


def checked_labels(experiment: Experiment, labels: Any, classes: int) -> Tensor:
    """Class of each trial as a tensor of int64."""
    if classes < 2:
        raise SpecError(
            "it has one channel, and each class is a channel: there is nothing to learn; give it"
            " two or more",
            where="readout",
        )
    if isinstance(labels, str):
        table: Mapping[str, NDArray[Any]] = experiment.trial_table()
        if labels not in table:
            raise SpecError(
                f"there is no column {labels!r}; the trial table has {', '.join(table)}",
                where="labels",
            )
        values = table[labels]
    else:
        values = np.asarray(labels)
    if values.dtype.kind not in "iu" or values.shape != (experiment.n_trials,):
        raise SpecError(
            f"an array of {values.dtype} of shape {values.shape} is not one whole number for each"
            f" of {experiment.n_trials} trials",
            where="labels",
        )
    if values.size and (values.min() < 0 or values.max() >= classes):
        raise SpecError(
            f"classes from {values.min()} to {values.max()}, and the readout has {classes}"
            f" channels, for classes 0 to {classes - 1}",
            where="labels",
        )
    return torch.as_tensor(values.astype(np.int64))
