"""An experiment as text, for another process; all numbers are restored exactly."""

from __future__ import annotations

import json

from scnnbio.errors import SpecError
from scnnbio.experiment.documents import plain_value
from scnnbio.experiment.experiment import Experiment
from scnnbio.experiment.stage import Stage
from scnnbio.experiment.study import Study, study_from, study_table


def experiment_text(experiment: Experiment) -> str:
    """Write an experiment as text.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    str
        JSON, from which :func:`experiment_from` restores an equal experiment.

    Raises
    ------
    SpecError
        If part of it cannot be written: a connector or a rule of a user's own class.
    """
    study = Study("experiment", (Stage(experiment, experiment.network),), seed=experiment.seed)
    try:
        text = json.dumps(plain_value(study_table(study)))
        same = experiment_from(text).digest() == experiment.digest()
    except (SpecError, TypeError, ValueError, StopIteration):
        same = False
    if not same:
        raise SpecError(
            "cannot be written as text, since part of it is an object of your own class",
            where=f"stage {experiment.stage!r}",
        )
    return text


def experiment_from(text: str) -> Experiment:
    """Restore an experiment from the text of :func:`experiment_text`."""
    return study_from(json.loads(text)).experiments[0]
