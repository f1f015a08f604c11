"""Kernels and runs with known measures, for the tests of the claims on V1."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import numpy as np

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.recording import Recording, Spikes
from scnnbio.validation import Evidence
from scnnbio.validation.receptive_field_shape import NX_NY

EMPTY = Recording({}, {}, {"duration": np.zeros(0)})


def kernels(**columns: np.ndarray) -> Evidence:
    """Evidence whose kernels measure as given."""
    n = len(next(iter(columns.values())))
    table = {column.name: np.full(n, np.nan) for column in fields(KernelMeasures)}
    run = SimpleNamespace(recording=EMPTY, weights={})
    measures = KernelMeasures(**(table | columns))
    return Evidence(run, projection="lgn_v1", kernels={"lgn_v1": measures})


def published_nx_ny(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells drawn from the published joint histogram, evenly within each bin."""
    shares = NX_NY.counts.ravel() / NX_NY.counts.sum()
    row, column = np.divmod(rng.choice(25, n, p=shares), 5)
    low, width = NX_NY.edges[:-1], np.diff(NX_NY.edges)
    within = rng.uniform(0.01, 0.99, (2, n))
    return (
        10 ** (low[row] + width[row] * within[0]),
        10 ** (low[column] + width[column] * within[1]),
    )


ORIENTATIONS = np.arange(0, 180, 4.0)


def von_mises(kappa: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    turn = np.cos(2 * np.deg2rad(ORIENTATIONS[None, :] - preferred[:, None]))
    return np.exp(kappa[:, None] * (turn - 1.0))


def recorded(curves: np.ndarray, peak: float = 100.0, repeats: int = 1) -> SimpleNamespace:
    """Run of cells at the middle of 3 x 3 places that fire their curve, and silence around.

    A second spatial frequency drives each cell half as much.
    """
    maps, n = curves.shape
    counts = np.rint(np.stack([curves, curves / 2], axis=1) * peak).astype(int)
    counts = np.tile(counts.reshape(maps, -1), repeats)
    unit, trial = np.indices(counts.shape)
    each = counts.ravel()
    start = np.repeat(np.cumsum(each) - each, each)
    place = np.arange(each.sum()) - start
    total = np.repeat(each, each)
    return SimpleNamespace(
        weights={},
        recording=Recording(
            {"v1": Spikes((place + 0.5) / total * 1000, np.repeat(unit.ravel(), each) * 9 + 4,
                          np.repeat(trial.ravel(), each))},
            {"v1": (maps, 3, 3)},
            {
                "duration": np.full(counts.shape[1], 1000.0),
                "orientation": np.tile(ORIENTATIONS, 2 * repeats),
                "spatial_frequency": np.tile(np.repeat([0.1, 0.2], n), repeats),
            },
        ),
    )  # fmt: skip


def published_values(seen, rng: np.random.Generator, n: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Values drawn from the published histogram; infinite above its last edge."""
    counts = np.append(seen.counts, seen.above)
    place = rng.choice(len(counts), n, p=counts / counts.sum())
    lower = np.append(seen.edges[:-1], np.inf)
    return lower[place] + (np.diff(seen.edges)[0]) * rng.uniform(0.1, 0.9, n)


def poisson_run(rate: float, n_cells: int = 30, repeats: int = 40) -> SimpleNamespace:
    rng = np.random.default_rng(6)
    counts = rng.poisson(rate, (n_cells, 4 * repeats))
    unit, trial = np.indices(counts.shape)
    return SimpleNamespace(
        weights={},
        recording=Recording(
            {"v1": Spikes(rng.uniform(0, 1000, counts.sum()), np.repeat(unit, counts.ravel()),
                          np.repeat(trial, counts.ravel()))},
            {"v1": (n_cells, 1, 1)},
            {
                "duration": np.full(4 * repeats, 1000.0),
                "orientation": np.tile([0.0, 45.0, 90.0, 135.0], repeats),
                "contrast": np.ones(4 * repeats),
            },
        ),
    )  # fmt: skip


def renewal_run(
    shape: float = 1.0, gain: float = 0.0, cells: int = 25, seconds: float = 1.0, seed: int = 0
) -> SimpleNamespace:
    """Cells tuned to orientation whose rate has a log-normal gain in every trial.

    Intervals are gamma of the given shape: 1 is a Poisson process. Orientation 0 to 170 deg in
    steps of 10, 6 repeats, 40 Hz at the best.
    """
    rng = np.random.default_rng(seed)
    orientation = np.tile(np.arange(0, 180, 10.0), 6)
    time, unit, trial = [], [], []
    for cell in range(cells):
        turn = np.cos(2 * np.deg2rad(orientation - 170.0 * cell / cells))
        rate = 40.0 * np.exp(1.5 * (turn - 1)) * np.exp(gain * rng.normal(size=len(orientation)))
        for k, r in enumerate(rate):
            steps = rng.gamma(shape, 1000.0 / r / shape, int(3 * r * seconds) + 20)
            # Begun long before the trial, so that the trial begins anywhere in an interval.
            times = np.cumsum(steps) - rng.uniform(0, steps[:5].sum())
            times = times[(times > 0) & (times < 1000.0 * seconds)]
            time.append(times)
            unit.append(np.full(len(times), cell))
            trial.append(np.full(len(times), k))
    spikes = Spikes(np.concatenate(time), np.concatenate(unit), np.concatenate(trial))
    table = {"duration": np.full(len(orientation), 1000.0 * seconds), "orientation": orientation}
    return SimpleNamespace(weights={}, recording=Recording({"v1": spikes}, {"v1": cells}, table))
