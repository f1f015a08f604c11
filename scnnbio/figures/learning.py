"""The course of learning, from snapshots of kernels and thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from scnnbio.analysis.learning import LearningCourse, learning_course
from scnnbio.figures.style import MODEL, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.recording import Recording, Snapshots

__all__ = ["learning_curve"]


@styled
def learning_curve(
    recording: Recording,
    *,
    kernel: str,
    threshold: str = "",
    final: ArrayLike | None = None,
    width: float = PAGE,
) -> Figure:
    """Change of kernels, their selectivity, and thresholds, over the course of learning.

    Parameters
    ----------
    recording : Recording
        With at least two snapshots of the kernel.
    kernel : str
        Name of the kernel's snapshots: its projection.
    threshold : str
        Name of the threshold's snapshots: its population; without it the panel is omitted.
    final : array, shape of the kernel, optional
        The kernel after the last trial, shown at the end of the run.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If there are fewer than two snapshots of the kernel.
    """
    course = learning_course(recording, kernel, final)
    drawn: list[Callable[[Axes], None]] = [lambda axes: _change(axes, course)]
    if len(course.measured):
        drawn.append(lambda axes: _selectivity(axes, course))
    if threshold in recording.snapshots:
        shots = recording.snapshots[threshold]
        drawn.append(lambda axes: _thresholds(axes, shots))
    figure = new_figure(width * len(drawn) / 3, width * 0.31)
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for letter, axes, draw in zip("ABC", panels, drawn, strict=False):
        draw(axes)
        axes.set_xlim(left=0.0)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("trials shown")
        panel_letter(axes, letter)
    return figure


def _change(axes: Axes, course: LearningCourse) -> None:
    """Draw the mean absolute change of weights between snapshots, per 100 trials."""
    axes.plot(course.trial[1:], course.change, color=MODEL, marker="o", ms=2.6)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("mean |change of weight|\nper 100 trials")


def _selectivity(axes: Axes, course: LearningCourse) -> None:
    """Draw the circular variance of the kernels: mean, and the middle half."""
    trial, variance = course.measured, course.variance
    low, high = np.nanquantile(variance, [0.25, 0.75], axis=1)
    axes.fill_between(trial, low, high, color=MODEL, alpha=0.2, lw=0, label="middle half")
    axes.plot(trial, np.nanmean(variance, axis=1), color=MODEL, marker="o", ms=2.6, label="mean")
    axes.legend(loc="lower left")
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("circular variance of kernels")


def _thresholds(axes: Axes, shots: Snapshots) -> None:
    """Draw one thin line per map, and their mean."""
    trial = np.maximum(shots.trial, 0)
    values = shots.values.reshape(len(trial), -1)
    axes.plot(trial, values, color=QUIET, lw=0.5, alpha=0.45)
    axes.plot(trial, values.mean(axis=1), color=MODEL, lw=1.6, label="mean")
    axes.plot([], [], color=QUIET, lw=0.5, label=f"each map (n = {values.shape[1]})")
    axes.set_ylim(top=axes.get_ylim()[1] + 0.25 * np.ptp(axes.get_ylim()))
    axes.legend(loc="upper left")
    axes.set_ylabel("threshold (mV)")
