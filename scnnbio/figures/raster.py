"""Spikes of input and layer in a few trials, with the rates of their populations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.figures.style import INK, OFF, ON, PAGE, new_figure, styled
from scnnbio.recording import Recording

__all__ = ["raster"]

_BINS = 50  # of the rate per trial
_VECTOR = 4000  # more spikes than this are pixels in the PDF


@dataclass(frozen=True)
class _Group:
    """Units drawn in one colour, with their label."""

    population: str
    name: str
    colour: str
    units: NDArray[np.int64]  # drawn
    first: int  # first of all units of the group, which are numbered consecutively
    of: int
    base: int  # first row


@styled
def raster(
    recording: Recording,
    *,
    trials: Sequence[int] | None = None,
    inputs: str = "lgn",
    outputs: str = "v1",
    max_units: int = 200,
    titles: Sequence[str] | None = None,
    width: float = PAGE,
) -> Figure:
    """Raster of a few trials: ON and OFF cells above, the layer below, and their mean rates.

    Parameters
    ----------
    recording : Recording
    trials : sequence of int, optional
        Rows of the trial table; by default up to three, spread over the recording.
    inputs, outputs : str
        Populations. A population that was not recorded is omitted.
    max_units : int
        Of a larger population this many units are drawn, evenly spaced; rates are of all units.
    titles : sequence of str, optional
        One per trial.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If neither population was recorded, or a trial does not exist.
    """
    shown = _trials(recording, trials)
    names = [name for name in (inputs, outputs) if name in recording.spikes]
    if not names:
        raise SpecError(
            f"no spikes of {inputs!r} or {outputs!r} were recorded; add them to record.spikes",
            where="raster",
        )
    heights = [2.0] * len(names) + [1.1]
    figure = new_figure(width, 18.0 + 24.0 * sum(heights[:-1]) / 2 * 1.6 + 24.0)
    panels = figure.subplots(
        len(names) + 1, len(shown), squeeze=False, sharex="col", sharey="row",
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    groups = {name: _groups(recording, name, max_units, source=name == inputs) for name in names}
    for column, trial in enumerate(shown):
        length = float(recording.trials["duration"][trial])
        for row, name in enumerate(names):
            for group in groups[name]:
                _spikes(panels[row, column], recording, group, trial, len(shown))
        for group in (g for name in names for g in groups[name]):
            _rate(panels[-1, column], recording, group, trial, length)
        panels[0, column].set_title(_title(recording, trial) if titles is None else titles[column])
        panels[-1, column].set(xlim=(0.0, length), xlabel="time in the trial (ms)")
    for row, name in enumerate(names):
        _label(panels[row, 0], groups[name])
    panels[-1, 0].set_ylim(bottom=0.0)
    panels[-1, 0].set_ylabel("mean rate\n(Hz)")
    _legend(figure, [g for name in names for g in groups[name]])
    figure.align_ylabels()
    return figure


def _trials(recording: Recording, trials: Sequence[int] | None) -> list[int]:
    n = recording.n_trials
    if trials is None:
        trials = sorted({int(t) for t in np.linspace(0, n - 1, min(3, n))}) if n else []
    if not trials or not all(0 <= t < n for t in trials):
        raise SpecError(f"trials {list(trials)} of {n} cannot be shown", where="raster.trials")
    return list(trials)


def _groups(recording: Recording, population: str, most: int, *, source: bool) -> list[_Group]:
    """ON and OFF cells of a source with two channels; otherwise one group of all units."""
    shape = recording.shapes[population]
    size = recording.size(population)
    parts = [("", OFF if source else INK, np.arange(size))]
    if source and shape[0] == 2:
        half = size // 2
        # OFF first, so that ON is on top, as in all figures.
        parts = [
            (" OFF", OFF, np.arange(half, size)),
            (" ON", ON, np.arange(half)),
        ]
    groups, base = [], 0
    for suffix, colour, units in parts:
        number = min(len(units), max(most // len(parts), 1))
        kept = units[np.linspace(0, len(units) - 1, number).astype(np.int64)] if number else units
        name = f"{population.upper()}{suffix}"
        first = int(units[0]) if len(units) else 0
        groups.append(_Group(population, name, colour, kept, first, len(units), base))
        base += len(kept)
    return groups


def _spikes(axes: Axes, recording: Recording, group: _Group, trial: int, columns: int) -> None:
    spikes = recording.spikes[group.population]
    row_of = np.full(recording.size(group.population), -1, dtype=np.int64)
    row_of[group.units] = np.arange(len(group.units)) + group.base
    rows = row_of[spikes.unit]
    kept = (spikes.trial == trial) & (rows >= 0)
    # Ticks about as high as a row (48 points for all rows), within visible limits.
    size = float(np.clip(90.0 / max(group.base + len(group.units), 1), 1.6, 9.0))
    axes.plot(
        spikes.time[kept], rows[kept], "|", color=group.colour, markersize=size,
        markeredgewidth=0.7 if columns > 1 else 0.9, rasterized=bool(kept.sum() > _VECTOR),
        label=group.name,
    )  # fmt: skip
    axes.set_ylim(-0.7, group.base + len(group.units) - 0.3)


def _rate(axes: Axes, recording: Recording, group: _Group, trial: int, length: float) -> None:
    """Mean rate of all units of a group in one trial."""
    spikes = recording.spikes[group.population]
    within = (spikes.unit >= group.first) & (spikes.unit < group.first + group.of)
    kept = (spikes.trial == trial) & within
    edges = np.linspace(0.0, length, _BINS + 1)
    counts = np.histogram(spikes.time[kept], edges)[0]
    seconds = length / _BINS / 1000.0
    axes.stairs(
        counts / max(group.of, 1) / seconds, edges, color=group.colour, lw=1.1, baseline=None
    )


def _label(axes: Axes, groups: list[_Group]) -> None:
    rows = sum(len(g.units) for g in groups)
    total = sum(g.of for g in groups)
    some = f"{rows} of {total}" if rows < total else f"{total}"
    axes.set_ylabel(f"{groups[0].population.upper()} cell\n({some})")
    axes.set_yticks([])


def _title(recording: Recording, trial: int) -> str:
    table = recording.trials
    if "contrast" in table and float(table["contrast"][trial]) == 0.0:
        return "mean grey"
    shown = {
        name: float(table[name][trial])
        for name in ("orientation", "spatial_frequency")
        if name in table and not np.isnan(float(table[name][trial]))
    }
    parts = [f"{shown['orientation']:g}°"] if "orientation" in shown else []
    if shown.get("spatial_frequency", 0.0) > 0.0:
        # A period can be compared with the image of a kernel.
        parts.append(f"period {1.0 / shown['spatial_frequency']:.3g} pixels")
    return ", ".join(parts) or f"trial {trial}"


def _legend(figure: Figure, groups: list[_Group]) -> None:
    handles = [
        Line2D([], [], color=g.colour, lw=2.0, label=f"{g.name} (n = {g.of})") for g in groups[::-1]
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
