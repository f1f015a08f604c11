"""A run: the result of an experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scnnbio import files
from scnnbio._html import listed, section, short, table
from scnnbio.experiment.experiment import Experiment
from scnnbio.recording import Recording
from scnnbio.values import FrozenTable, Value


@dataclass(frozen=True, eq=False)
class Run(Value):
    """The result that a backend returns.

    Parameters
    ----------
    experiment : Experiment
    recording : Recording
    weights : mapping of str to ndarray
        Learned kernels (out, in, row, column) by projection and thresholds (channels,) in mV by
        population; empty where nothing learns.
    provenance : mapping
        Backend, pathway of each projection, versions, seed, wall seconds by phase, numbers of
        input and output spikes, files read with their digests, and files skipped.
    """

    experiment: Experiment
    recording: Recording
    weights: Mapping[str, NDArray[np.float64]]
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", FrozenTable(self.weights))
        object.__setattr__(self, "provenance", FrozenTable(self.provenance))

    def __repr__(self) -> str:
        backend = self.provenance.get("backend", "no backend named")
        return (
            f"Run({self.experiment.stage!r} on {short(backend)}: {self.recording.summary()};"
            f" learned {listed(self.weights)})"
        )

    def _repr_html_(self) -> str:
        known = {
            k: v for k, v in self.provenance.items() if k not in ("files_read", "files_skipped")
        }
        parts = [table(("provenance", ""), known.items())] if known else []
        if self.weights:
            parts.append(table(("learned", ""), self.weights.items()))
        return section(f"Run of stage {self.experiment.stage!r}", *parts) + (
            self.recording._repr_html_()
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the experiment, its recording, weights and provenance to one file.

        The file is written completely or not at all.

        Raises
        ------
        SpecError
            If part of the experiment is of a class that cannot be restored, or the weights do not
            fit the network.
        DataError
            If the file cannot be written.
        """
        files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Load a run that :meth:`save` wrote; all numbers are restored exactly.

        Reading runs no code from the file. It does not contain the files that the stimulus shows,
        only their digests, in the provenance.

        Raises
        ------
        DataError
            If the file is missing, truncated, damaged, too large when unpacked, of another program
            or of a newer version, or if a weight is NaN or infinite or does not fit the network.
        """
        return files.load(path, cls)

    @classmethod
    def from_canonical(cls, fields: Mapping[str, Any]) -> Self:
        """Make a run from its canonical form; the weights must fit the network."""
        run = cls(**fields)
        run.experiment.network.with_weights(run.weights)
        return run
