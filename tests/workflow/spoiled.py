"""Figures that fail, for tests of processes, which import them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from scnnbio.experiment import Report
from scnnbio.figures import FIGURES, FigureSpec
from scnnbio.figures.drawing import drawn
from scnnbio.jobs import Task


def _mistaken(results: Any) -> tuple[Figure, str]:
    raise ZeroDivisionError("a mistake")


def _killed(results: Any) -> tuple[Figure, str]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


SPECS = (FigureSpec("mistaken", "", (), _mistaken), FigureSpec("killed", "", (), _killed))


@dataclass(frozen=True, eq=False, kw_only=True)
class Spoiled(Task):
    """One of these figures, as if it were one of scnnbio's."""

    results: Any
    figure: str
    folder: Path

    @property
    def about(self) -> str:
        """The figure."""
        return f"figure {self.figure!r}"

    def perform(self, report: Report) -> Any:
        """Draw it."""
        FIGURES.own[self.figure] = f"{__name__}:SPECS"
        return drawn(self.results, self.figure, self.folder)
