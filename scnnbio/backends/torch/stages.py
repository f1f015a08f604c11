"""Stages that learn by gradient: the weights that later stages take, and how they came about."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.outcome import Outcome
from scnnbio.backends.torch.training import Trainer
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Report
from scnnbio.experiment.gradient import BySurrogates
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
    how = experiment.training
    if not isinstance(how, BySurrogates):
        raise SpecError(f"{how!r} is not known to torch", where="training")
    train, validation = how.parts(experiment.trial_table())
    parts = None if validation is None else (train, validation)
    plain = dataclasses.replace(experiment, training=None)
    trainer = Trainer(plain, how.labels, how.readout, how.settings, None, parts)
    found = trainer.trained(report)
    tables = {name: _rows(getattr(found, name)) for name in ("epochs", "layers", "weights")}
    return Outcome(
        spikes={},
        signals={},
        weights=_learned(experiment.network, found.network),
        snapshots={},
        output_spikes={},
        pathways=dict.fromkeys(trainer.unrolled.pathways, "trained"),
        details={"training": {**tables, "chosen": found.chosen, "trained_on": len(train)}},
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
