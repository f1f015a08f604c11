"""Codes of pictures by spike counts: sparseness, correlation between maps, reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.measures_of_sparseness import sparseness
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import FromFrames
from scnnbio.units import In, plain_array

Array = NDArray[np.float64]

#: Parts into which trials are split; each is reconstructed from the others.
FOLDS = 5
#: Penalties of which ridge regression chooses, by leaving one out among the trials it learns from.
PENALTIES = tuple(10.0 ** np.arange(-1, 6))


@dataclass(frozen=True, eq=False)
class Code:
    """Responses of a layer to pictures.

    Parameters
    ----------
    rate : array, shape (maps,)
        Mean rate of the central unit of each map (Hz).
    lifetime : array, shape (maps,)
        Sparseness of each unit's counts over the pictures; NaN of a silent unit.
    population : array, shape (pictures,)
        Sparseness over the units for each picture; NaN where none fires.
    correlation : array, shape (pairs,)
        Pearson's correlation of the counts of two units over the pictures; NaN with a silent unit.
    error : array, shape (folds,)
        Variance of the held-out pictures that a linear reconstruction leaves, as a share.
    """

    rate: Array
    lifetime: Array
    population: Array
    correlation: Array
    error: Array


def code_of(run: Run, population: str) -> Code:
    """Sparseness, correlations and reconstruction of one layer.

    Parameters
    ----------
    run : Run
        One static frame per trial before a source of ON and OFF cells.
    population : str

    Returns
    -------
    Code
        Pictures are reconstructed from the counts of all units of the layer.

    Raises
    ------
    SpecError
        If the run shows no pictures, or too few.
    """
    recording = run.recording
    maps, rows, columns = recording.shapes[population]
    counts = recording.counts(population).astype(np.float64)
    central = counts.reshape(-1, maps, rows, columns)[:, :, rows // 2, columns // 2]
    seconds = recording.trials["duration"].mean() / 1e3
    varies = central.std(axis=0) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(central.T)
    correlation[~np.outer(varies, varies)] = np.nan
    return Code(
        central.mean(axis=0) / seconds,
        sparseness(central.T),
        sparseness(central),
        np.asarray(correlation[np.triu_indices(maps, 1)], dtype=np.float64),
        reconstruction_error(counts, pictures(run)),
    )


def pictures(run: Run) -> Array:
    """What the LGN saw in each trial: the drive of ON less that of OFF cells, (trials, pixels).

    Raises
    ------
    SpecError
        If no source of the run sees one static frame per trial.
    """
    experiment = run.experiment
    for name, driven in experiment.inputs.items():
        if not isinstance(driven, FromFrames):
            continue
        shape = experiment.network.population(name).shape
        drawn = []
        for trial in range(driven.n_trials):
            frames = driven.frames(trial, experiment.drawing(trial, name))
            if len(frames) > 1:
                raise SpecError("its frames move; show one per trial", where=f"inputs.{name}")
            on, off = driven.encoding.lgn.drive(frames)[0]
            drawn.append((on - off).ravel())
        if shape[0] == 2:
            return np.array(drawn)
    raise SpecError("no source sees the frames of a stimulus", where="inputs")


def reconstruction_error(
    counts: Annotated[Array, In("1")], shown: Annotated[Array, In("1")]
) -> Array:
    """Share of the variance of held-out pictures that a linear reconstruction leaves.

    Ridge regression learns pictures from counts on four fifths of the trials, with a penalty that
    leaving one out chooses among them, and reconstructs the others.

    Parameters
    ----------
    counts : array, shape (trials, units)
    shown : array, shape (trials, pixels)

    Returns
    -------
    array, shape (folds,)
        0 for a perfect reconstruction, 1 for one that is no better than the mean picture.

    Raises
    ------
    SpecError
        If there are fewer than 20 trials, or the shapes differ.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold

    x = plain_array(counts, "1", where="reconstruction_error.counts")
    y = plain_array(shown, "1", where="reconstruction_error.shown")
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < 20:
        raise SpecError(
            f"counts of shape {x.shape} and pictures of shape {y.shape}; give 20 trials or more of"
            " both",
            where="reconstruction_error",
        )
    errors = []
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(x):
        model = RidgeCV(PENALTIES).fit(x[train], y[train])
        left = ((y[test] - model.predict(x[test])) ** 2).sum()
        errors.append(left / ((y[test] - y[train].mean(axis=0)) ** 2).sum())
    return np.array(errors)
