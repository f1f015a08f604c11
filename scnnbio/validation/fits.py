"""Fits of kernels in processes of their own, while other stages run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.receptive_fields import KernelMeasures, measure_kernels
from scnnbio.errors import SpecError
from scnnbio.experiment import Report, Run, Study
from scnnbio.jobs import Task
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.registry import claim_named


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(Task):
    """Gabor fits of one kernel.

    Parameters
    ----------
    stage, projection : str
    weights : array, shape (maps, channels, rows, columns) or with lags
    """

    stage: str
    projection: str
    weights: NDArray[np.float64]

    @property
    def about(self) -> str:
        """The kernel. See :attr:`Task.about`."""
        return f"the fits of {self.projection!r} of stage {self.stage!r}"

    @property
    def shown(self) -> str:
        """The stage. See :attr:`Task.shown`."""
        return f" ({self.stage})"

    def perform(self, report: Report) -> KernelMeasures | None:
        """Fit. See :meth:`Task.perform`; None for kernels that cannot be, which claims then say."""
        try:
            return measure_kernels(self.weights, lambda *of: report("fitting kernels", *of))
        except SpecError:
            return None


class Fits:
    """Fits that the claims of a study need, begun when a stage is finished.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study: Study) -> None:
        self._claims = [c for c in study.claims if claim_named(c.claim).measure.fits]
        #: Fits by stage and projection, as :class:`~scnnbio.workflow.Results` takes them.
        self.measures: dict[str, KernelMeasures] = {}

    def after(self, run: Run) -> Sequence[Task]:
        """Fits of each kernel of a stage that is judged by them."""
        stage = run.experiment.stage
        names = dict.fromkeys(c.projection for c in self._claims if c.stage == stage)
        found: list[Task] = []
        for name in names:
            with contextlib.suppress(SpecError):  # no kernel of an image
                weights = Evidence(run, projection=name).fitted_weights
                found.append(Fit(stage=stage, projection=name, weights=weights))
        return found

    def take(self, task: Task, found: Any) -> None:
        """Keep a fit."""
        if isinstance(task, Fit) and found is not None:
            self.measures[f"{task.stage}/{task.projection}"] = found
