"""Stages that learn by gradient: the weights that later stages take, and how they came about."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.outcome import Outcome
from scnnbio.backends.torch.training import Trainer
from scnnbio.backends.torch.trials import checked_labels
from scnnbio.conversion.module_training import train_module
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Report
from scnnbio.experiment.gradient import ByConversion, BySurrogates
from scnnbio.inputs import FromImages
from scnnbio.network import Network

if TYPE_CHECKING:
    from pandas import DataFrame


def trained_stage(experiment: Experiment, report: Report) -> Outcome:
    """Train a stage as its ``training`` says.

    Parameters
    ----------
    experiment : Experiment
        With ``training``.
    report : callable

    Returns
    -------
    Outcome
        Without spikes. Its details have ``training``: a list of rows for each table of
        :class:`~scnnbio.backends.torch.Trained`, and the number of the chosen epoch.
    """
    if isinstance(experiment.training, BySurrogates):
        return _by_surrogates(experiment, experiment.training, report)
    if isinstance(experiment.training, ByConversion):
        return _by_conversion(experiment, experiment.training, report)
    raise SpecError(f"{experiment.training!r} is not known to torch", where="training")


def _by_surrogates(experiment: Experiment, how: BySurrogates, report: Report) -> Outcome:
    train, validation = how.parts(experiment.trial_table())
    parts = None if validation is None else (train, validation)
    plain = dataclasses.replace(experiment, training=None)
    again = None if how.augmentation is None else partial(how.trials_of, experiment)
    trainer = Trainer(plain, how.labels, how.readout, how.settings, None, parts, again)
    found = trainer.trained(report)
    tables = {name: _rows(getattr(found, name)) for name in ("epochs", "layers", "weights")}
    told = {**tables, "chosen": found.chosen, "trained_on": len(train)}
    return _outcome(experiment, _learned(experiment.network, found.network), told)


def _by_conversion(experiment: Experiment, how: ByConversion, report: Report) -> Outcome:
    (shown,) = experiment.inputs.values()
    if not isinstance(shown, FromImages):
        raise SpecError(f"{shown!r} has no images", where="inputs")
    train, validation = how.parts(experiment.trial_table())
    classes = experiment.network.population(how.readout).size
    labels = checked_labels(experiment, how.labels, classes).numpy()

    def of(chosen: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        values = shown.values[chosen]
        white = 255.0 if values.dtype == np.uint8 else 1.0
        return values.astype(np.float64) / white, labels[chosen]

    chooses = None if validation is None else of(validation)
    found = train_module(experiment.network, how, of(train), chooses, experiment.seed, report)
    told = {
        "epochs": found.epochs, "chosen": found.chosen, "trained_on": len(train),
        "levels": how.levels, "scales": dict(found.scales),
    }  # fmt: skip
    return _outcome(experiment, found.kernels, told)


def _outcome(
    experiment: Experiment, weights: Mapping[str, NDArray[np.float64]], told: Mapping[str, Any]
) -> Outcome:
    names = [projection.name for projection in experiment.network.projections]
    return Outcome(
        spikes={},
        signals={},
        weights=weights,
        snapshots={},
        output_spikes={},
        pathways=dict.fromkeys(names, "trained"),
        details={"training": told},
    )


def _learned(before: Network, after: Network) -> dict[str, NDArray[np.float64]]:
    """Kernels by projection, and thresholds by population where a rule kept the rates."""
    weights = {p.name: np.asarray(p.kernel) for p in after.projections}
    for population in before.populations:
        if (rule := population.homeostasis) is not None:
            kept = after.population(population.name)
            weights[population.name] = kept.channel_values(rule.parameter)
    return weights


def _rows(table: DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, for JSON; None in place of NaN."""
    plain = (
        {
            key: value.item() if isinstance(value, np.generic) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    )
    return [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
        for row in plain
    ]
