"""Sparseness of responses: of one unit over stimuli, and of a population over its units."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.tables import grouped
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, Rates, Window, plain, plain_array, plain_window

Array = NDArray[np.float64]


def sparseness(rates: Rates) -> Array:
    """Sparseness of responses along the last axis, ``(1 - <r>^2 / <r^2>) / (1 - 1/n)``.

    Parameters
    ----------
    rates : array, shape (..., n)
        Not negative.

    Returns
    -------
    array, shape (...)
        0 where all are equal, 1 where one alone responds; NaN where none does, or for n = 1.

    References
    ----------
    E. T. Rolls and M. J. Tovee (1995), J. Neurophysiol. 73, 713-726; W. E. Vinje and J. L. Gallant
    (2000), Science 287, 1273-1276, doi:10.1126/science.287.5456.1273.

    Examples
    --------
    >>> sparseness([[0.0, 7.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0]])
    array([1., 0.])
    """
    r = plain_array(rates, "Hz", where="sparseness.rates", finite=False)
    n = r.shape[-1]
    square = (r**2).mean(axis=-1)
    if n < 2:
        return np.full(square.shape, np.nan)
    ratio = r.mean(axis=-1) ** 2 / np.where(square > 0, square, 1.0)
    return np.asarray(np.where(square > 0, (1 - ratio) / (1 - 1 / n), np.nan))


def sparseness_measures(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    bin_width: Milliseconds | None = None,
    bootstrap: Bootstrap | None = None,
    least_stimuli: int = 5,
) -> dict[str, Measurement]:
    """Lifetime sparseness of each unit and population sparseness of each stimulus.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        Columns of the trial table that make a stimulus; all that were varied by default, such as
        ``sequence`` of a movie.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bin_width : float, optional
        Each bin of so many ms of the window is a stimulus of its own, as the frames of a movie.
        The window must be a whole number of them.
    bootstrap : Bootstrap, optional
    least_stimuli : int
        With fewer stimuli lifetime sparseness is insufficient, with fewer units that of a
        population.

    Returns
    -------
    dict of str to Measurement
        ``lifetime_sparseness`` of each unit, over stimuli; ``population_sparseness`` of each
        stimulus, over units, with the index ``stimulus``: the conditions, and their bins from the
        first to the last. ``mean_population_sparseness`` over the stimuli at which a unit fires.

    Notes
    -----
    The noise of means over few trials counts as sparseness: compare recordings with the same
    number of trials.

    References
    ----------
    W. E. Vinje and J. L. Gallant (2000), Science 287, 1273-1276,
    doi:10.1126/science.287.5456.1273.
    """
    how = bootstrap or Bootstrap()
    table = grouped(recording, population, by, window)
    edges = _edges(table.window, bin_width)
    weights = np.concatenate(
        [
            (1.0 / table.n_trials[np.maximum(table.condition, 0)] * (table.condition >= 0))[None],
            how.weights(table.condition),
        ]
    )
    units = recording.size(population)
    lifetime = np.empty((len(weights), units))
    crowd = np.empty((len(weights), len(table.n_trials) * (len(edges) - 1)))
    binned = np.stack(
        [recording.counts(population, (float(a), float(b))) for a, b in pairwise(edges)]
    )
    for row, weight in enumerate(weights):
        # (stimuli, units): conditions, and bins within them.
        means = np.stack(
            [
                np.einsum("t,btu->bu", weight[rows], binned[:, rows], optimize=True)
                for rows in (
                    np.flatnonzero(table.condition == c) for c in range(len(table.n_trials))
                )
            ]
        ).reshape(-1, units)
        lifetime[row], crowd[row] = sparseness(means.T), sparseness(means)
    trials = int((table.condition >= 0).sum())
    few: Reason = (f"fewer than {least_stimuli} stimuli",
                   np.full(units, crowd.shape[1] < least_stimuli))  # fmt: skip
    lone: Reason = (f"fewer than {least_stimuli} units",
                    np.full(crowd.shape[1], units < least_stimuli))  # fmt: skip
    some = ~np.isnan(crowd)
    number = some.sum(axis=1)
    mean = np.where(some, crowd, 0.0).sum(axis=1) / np.maximum(number, 1)
    mean[number == 0] = np.nan
    each = np.repeat(table.n_trials, len(edges) - 1)
    return {
        "lifetime_sparseness": measured(
            "lifetime_sparseness", "1", lifetime[0], lifetime[1:], np.full(units, trials), how,
            [few, ("no spikes", np.isnan(lifetime[0]))],
        ),
        "population_sparseness": measured(
            "population_sparseness", "1", crowd[0], crowd[1:], each, how,
            [lone, ("no spikes", np.isnan(crowd[0]))],
            index={"stimulus": np.arange(crowd.shape[1])},
        ),
        "mean_population_sparseness": measured(
            "mean_population_sparseness", "1", mean[:1], mean[1:, None], number[:1], how,
            [(lone[0], lone[1][:1]), ("no spikes", np.isnan(mean[:1]))], counted="stimuli",
            index={},
        ),
    }  # fmt: skip


def _edges(window: tuple[float, float], bin_width: Milliseconds | None) -> Array:
    begin, end = plain_window(window, where="window")
    if bin_width is None:
        return np.array([begin, end])
    width = plain(bin_width, "ms", where="sparseness_measures.bin_width")
    number = (end - begin) / width if width > 0 else 0.0
    if round(number) < 1 or abs(number - round(number)) > 1e-6:
        raise SpecError(
            f"a window of {end - begin:g} ms is not a whole number of bins of {width:g} ms",
            where="sparseness_measures.bin_width",
        )
    return np.linspace(begin, end, round(number) + 1)
