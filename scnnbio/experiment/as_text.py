"""An experiment as text, for another process; its numbers come back to the last bit."""

from __future__ import annotations

import json

from scnnbio.errors import SpecError
from scnnbio.experiment.documents import plain_value
from scnnbio.experiment.experiment import Experiment
from scnnbio.experiment.stage import Stage
from scnnbio.experiment.study import Study, study_from, study_table


def experiment_text(experiment: Experiment) -> str:
    """An experiment written out.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    str
        JSON, of which :func:`experiment_from` makes the same experiment.

    Raises
    ------
    SpecError
        If some of it cannot be written out: a connector or a rule of a class of one's own.
    """
    study = Study("experiment", (Stage(experiment, experiment.network),), seed=experiment.seed)
    try:
        text = json.dumps(plain_value(study_table(study)))
        same = experiment_from(text).digest() == experiment.digest()
    except (SpecError, TypeError, ValueError, StopIteration):
        same = False
    if not same:
        raise SpecError(
            "cannot be written out, since part of it is of a class of your own",
            where=f"stage {experiment.stage!r}",
        )
    return text


def experiment_from(text: str) -> Experiment:
    """The experiment that :func:`experiment_text` wrote out."""
    return study_from(json.loads(text)).experiments[0]
