"""Figures that fail, for tests of processes, which import them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from scnnbio.experiment import Report
from scnnbio.figures import FIGURES, FigureSpec
from scnnbio.figures.drawing import Drawing
from scnnbio.jobs import Task


def _mistaken(results: Any) -> tuple[Figure, str]:
    raise ZeroDivisionError("a mistake")


def _killed(results: Any) -> tuple[Figure, str]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


SPECS = (FigureSpec("mistaken", "", (), _mistaken), FigureSpec("killed", "", (), _killed))


@dataclass(frozen=True, eq=False, kw_only=True)
class Spoiled(Task):
    """The drawing of one of these figures, as if it were one of scnnbio's."""

    drawing: Drawing

    @property
    def about(self) -> str:
        """The figure."""
        return self.drawing.about

    def perform(self, report: Report) -> Any:
        """Draw it."""
        FIGURES.own[self.drawing.figure] = f"{__name__}:SPECS"
        return self.drawing.perform(report)
