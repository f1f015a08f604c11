"""Backends of tests that processes import: they fail in known ways."""

from __future__ import annotations

import os
import signal
import warnings
from typing import ClassVar

from scnnbio.backends.base import Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.reference import ReferenceBackend
from scnnbio.errors import DataError
from scnnbio.experiment import Experiment, Inputs, Report
from scnnbio.experiment.portions import Portion


class Failing(ReferenceBackend):
    """Fails in the portion that begins with the second trial."""

    name: ClassVar[str] = "failing"

    def __init__(self, how: str = "error") -> None:
        self.how = how

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        if isinstance(experiment, Portion) and experiment.first == 1:
            if self.how == "error":
                raise DataError("is damaged; mend it", where="trial 1")
            if self.how == "mistake":
                raise KeyError("a mistake")
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            warnings.warn("one trial is odd", RuntimeWarning, stacklevel=1)
        return super()._simulate(experiment, inputs, watch, report)
