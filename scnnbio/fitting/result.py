"""A fitted neuron and its scores."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from scnnbio.experiment import documents
from scnnbio.fitting._cell import Free
from scnnbio.fitting._responses import Response
from scnnbio.fitting.objective import Scores, Target
from scnnbio.neurons import NeuronModel
from scnnbio.units import In


@dataclass(frozen=True, eq=False)
class Fold:
    """A fit to some of the sweeps, judged by the others.

    Parameters
    ----------
    test : tuple of str
        Names of the sweeps that were held out.
    values : mapping of str to float
        Free parameters as fitted to the other sweeps, in the units of the model.
    scores : Scores
        Of the held-out sweeps.
    """

    test: tuple[str, ...]
    values: Mapping[str, Annotated[float, In(None)]]
    scores: Scores


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted neuron, and how well it reproduces and predicts the recording.

    Parameters
    ----------
    model : NeuronModel
        The neuron that was fitted.
    neuron : NeuronModel
        The same with fitted defaults, named ``NAME_fit``.
    free : tuple of Free
        Free parameters and their bounds.
    values : mapping of str to float
        Fitted values, in the units of the model.
    train : Scores
        Of the sweeps that the values were fitted to.
    folds : tuple of Fold
        Fits for cross-validation.
    test : Scores or None
        Of every held-out sweep, each by a fit that did not see it; None without any.
    reliability : float
        Mean coincidence factor of sweeps of one current, to which that of a model may be compared;
        NaN without repeated sweeps.
    settings : mapping
        Everything that the fit depends on but the sweeps.
    shown : tuple of (Target, Response)
        Sweeps with the potentials and spikes of the model: held-out ones where there are any, else
        those that it was fitted to.
    """

    model: NeuronModel
    neuron: NeuronModel
    free: tuple[Free, ...]
    values: Mapping[str, Annotated[float, In(None)]]
    train: Scores
    folds: tuple[Fold, ...]
    test: Scores | None
    reliability: float
    settings: Mapping[str, Any]
    shown: tuple[Target, Response]

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """Parameters that were fitted to an end of what was searched: widen their bounds."""
        return tuple(f.name for f in self.free if f.at_end(self.values[f.name]))

    def __repr__(self) -> str:
        said = [f"{f.name}={self.values[f.name]:.4g} {f.unit}" for f in self.free]
        scores = f"coincidence factor {self.train.coincidence_factor:.3g}"
        held = "" if self.test is None else f", held out {self.test.coincidence_factor:.3g}"
        return f"Fit({self.model.name}: {', '.join(said)}; {scores}{held})"

    def save(self, path: str | Path) -> None:
        """Write the fitted neuron as a document: a TOML file for a network, or for ``explain``.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        documents.write(documents.plain_table(self.neuron), Path(path))

    def report(self) -> dict[str, Any]:
        """All numbers as plain values, None where one is not defined."""
        parameters = {
            f.name: {
                "value": self.values[f.name],
                "unit": f.unit,
                "low": f.low,
                "high": f.high,
                "at_bound": f.name in self.at_bounds,
                "folds": [fold.values[f.name] for fold in self.folds],
            }
            for f in self.free
        }
        found = {
            "model": self.model.name,
            "parameters": parameters,
            "train": dataclasses.asdict(self.train),
            "test": None if self.test is None else dataclasses.asdict(self.test),
            "folds": [
                {"test": list(fold.test), "scores": dataclasses.asdict(fold.scores)}
                for fold in self.folds
            ],
            "reliability": self.reliability,
            "settings": dict(self.settings),
        }
        return dict(_without_nan(found))


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(v) for v in value]
    return value
