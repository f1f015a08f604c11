""":class:`Recording`: its checks, selection of trials, files and conversion to Neo."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio._html import listed, section, sized, table
from scnnbio.errors import DataError, SpecError, hint
from scnnbio.recording import absent, from_neo, hdf5, neo_blocks
from scnnbio.recording.checks import (
    Shape,
    check_index,
    check_sample_times,
    check_spike_times,
    checked_shape,
    chosen_indices,
)
from scnnbio.recording.counting import SpikeColumns, spike_columns
from scnnbio.recording.parts import parts_of, restrict, tree_of
from scnnbio.recording.samples import Signal, Snapshots, Spikes
from scnnbio.recording.trials import matches, trial_table
from scnnbio.units import In, Window
from scnnbio.values import Value, same

if TYPE_CHECKING:
    import neo
    from scipy.sparse import csr_array

_KIND = "recording"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class Recording(Value):
    """Spikes, signals and snapshots of a run, with one table row per trial.

    Parameters
    ----------
    spikes : mapping from population to Spikes
    shapes : mapping from population to (channel, row, column)
        A single number n means (n, 1, 1). A population without an entry, as in laboratory data,
        gets (n, 1, 1), where n is its largest unit index plus one.
    trials : mapping from column to array of shape (trials,)
        ``duration`` (ms) is required. ``stage`` (text) defaults to ``"run"``, and ``start`` (ms
        since the run began) to trials that follow each other without gaps. The other columns
        are stimulus parameters: NaN or ``""`` where a stage lacks them.
    signals : mapping from population to {variable: Signal}, optional
    snapshots : mapping from name to Snapshots, optional

    Raises
    ------
    SpecError
        If units, trials or times are out of range for the shapes and the trial table.

    Examples
    --------
    >>> spikes = Spikes(time=[5.0, 2.0], unit=[0, 3], trial=[1, 0])
    >>> recording = Recording({"v1": spikes}, shapes={}, trials={"duration": [100.0, 100.0]})
    >>> recording.shapes["v1"], recording.n_trials
    ((4, 1, 1), 2)
    >>> recording.counts("v1")
    array([[0, 0, 0, 1],
           [1, 0, 0, 0]])
    """

    spikes: Mapping[str, Spikes]
    shapes: Mapping[str, Shape]
    trials: Mapping[str, Annotated[NDArray[Any], In(None)]]
    signals: Mapping[str, Mapping[str, Signal]] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trials = trial_table(self.trials)
        shapes = {name: checked_shape(name, given) for name, given in self.shapes.items()}
        for name, spikes in self.spikes.items():
            shapes.setdefault(name, (int(spikes.unit.max(initial=-1)) + 1, 1, 1))
        for name, variables in self.signals.items():
            largest = max((int(s.unit.max(initial=-1)) for s in variables.values()), default=-1)
            shapes.setdefault(name, (largest + 1, 1, 1))
        object.__setattr__(self, "spikes", dict(self.spikes))
        object.__setattr__(self, "trials", trials)
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(
            self, "signals", {name: dict(variables) for name, variables in self.signals.items()}
        )
        object.__setattr__(self, "snapshots", dict(self.snapshots))
        self._check_names()
        self._check_ranges()

    def summary(self) -> str:
        """What is recorded, in one line."""
        counts = listed(f"{name} {len(spikes):,}" for name, spikes in self.spikes.items())
        sampled = [f"{name}.{v}" for name, variables in self.signals.items() for v in variables]
        more = f", signals of {listed(sampled)}" if sampled else ""
        taken = f", snapshots of {listed(self.snapshots)}" if self.snapshots else ""
        return f"{self._trials}, spikes of {counts}{more}{taken}"

    @property
    def _trials(self) -> str:
        return "1 trial" if self.n_trials == 1 else f"{self.n_trials:,} trials"

    def __repr__(self) -> str:
        return f"Recording({self.summary()})"

    def _repr_html_(self) -> str:
        seconds = float(self.trials["duration"].sum()) / 1000.0
        spikes = (
            (name, sized(self.shapes[name]), len(found), len(found) / self.size(name) / seconds)
            if self.size(name) and seconds
            else (name, sized(self.shapes[name]), len(found), "")
            for name, found in self.spikes.items()
        )
        signals = (
            (f"{name}.{variable}", s.quantity, sized(s.values.shape), s.period)
            for name, variables in self.signals.items()
            for variable, s in variables.items()
        )
        columns = ((name, len(np.unique(found)), found) for name, found in self.trials.items())
        parts = [table(("spikes of", "shape", "spikes", "mean rate (Hz)"), spikes)]
        if self.signals:
            head = ("signal", "unit", "samples x neurons", "period (ms)")
            parts.append(table(head, signals))
        parts.append(table(("column of trials", "distinct values", "values"), columns))
        return section(f"Recording of {self._trials}, {seconds:g} s", *parts)

    def _check_names(self) -> None:
        variables = [name for signals in self.signals.values() for name in signals]
        for name in (*self.shapes, *self.trials, *variables, *self.snapshots):
            # Names become HDF5 group names, where "/" and "." have a meaning.
            if not name or "/" in name or "\0" in name or name == ".":
                raise SpecError(
                    f"{name!r} is not a valid name; use text without '/'", where="Recording"
                )

    def _check_ranges(self) -> None:
        duration = self.trials["duration"]
        for name, spikes in self.spikes.items():
            where = f"Recording.spikes[{name!r}]"
            check_index("unit", spikes.unit, self.size(name), where)
            check_index("trial", spikes.trial, self.n_trials, where)
            check_spike_times(spikes, duration, where)
        for name, variables in self.signals.items():
            for variable, signal in variables.items():
                where = f"Recording.signals[{name!r}][{variable!r}]"
                check_index("unit", signal.unit, self.size(name), where)
                check_index("trial", signal.trial, self.n_trials, where)
                check_sample_times(signal, duration, where)
        for name, snapshots in self.snapshots.items():
            where = f"Recording.snapshots[{name!r}]"
            # -1 is the state before the first trial.
            after = snapshots.trial[snapshots.trial >= 0]
            check_index("trial", after, self.n_trials, where)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.trials["duration"])

    def size(self, population: str) -> int:
        """Return the number of units of ``population``."""
        if population not in self.shapes:
            said = hint(population, self.shapes, "there is")
            raise SpecError(f"no population {population!r}; {said}", where="Recording")
        return int(np.prod(self.shapes[population]))

    def spikes_of(self, population: str) -> Spikes:
        """Return the spikes of ``population``; raise if they were not recorded."""
        if population not in self.spikes:
            said = hint(population, self.spikes)
            raise SpecError(f"no spikes of {population!r}; {said}", where="Recording")
        return self.spikes[population]

    def equals(self, other: Recording) -> bool:
        """Whether both hold the same values everywhere (NaN equals NaN)."""
        return same(self._tree(), other._tree(), kinds=False)

    def select(self, **conditions: Any) -> Recording:
        """Trials that meet every condition, renumbered from 0.

        Parameters
        ----------
        **conditions
            Column of the trial table and the value it must have, or a collection of values of
            which it must have one. Numbers are compared to one part in 10^9; NaN equals NaN.

        Returns
        -------
        Recording
            Snapshots are selected with their trial; the state before the first trial stays.

        Raises
        ------
        SpecError
            If there is no such column.
        """
        keep = np.ones(self.n_trials, dtype=bool)
        for column, wanted in conditions.items():
            if column not in self.trials:
                said = hint(column, self.trials)
                raise SpecError(f"no column {column!r}; {said}", where="select")
            keep &= matches(self.trials[column], wanted)
        return self.take(np.flatnonzero(keep))

    def take(self, trials: ArrayLike) -> Recording:
        """Return the given trials, in increasing order and each once, renumbered from 0.

        Parameters
        ----------
        trials : array of int, or of bool, shape (trials,)

        Raises
        ------
        SpecError
            If a trial does not exist.
        """
        chosen = np.unique(chosen_indices(trials, self.n_trials, "trial", "Recording.take"))
        if len(chosen) == self.n_trials and absent.COLUMN not in self.trials:
            return self
        parts = restrict(self.spikes, self.signals, self.snapshots, chosen, self.n_trials)
        table: Mapping[str, NDArray[Any]] = {k: v[chosen] for k, v in self.trials.items()}
        parts["spikes"], table = absent.settled(parts["spikes"], table)
        return Recording(shapes=self.shapes, trials=table, **parts)

    def counts(
        self,
        population: str,
        window: Window | None = None,
        *,
        pooled: tuple[int, int] | None = None,
    ) -> NDArray[np.int64]:
        """Count the spikes of each unit in each trial.

        The array is dense, 8 bytes per trial and unit: 26 GB for 60,000 trials of 54,000 units.
        To save memory, pool the counts, or use :meth:`sparse_counts`.

        Parameters
        ----------
        population : str
        window : (float, float), optional
            Count spikes with t0 < t <= t1, in ms since the trial began; the whole trial by
            default.
        pooled : (rows, columns), optional
            Sum the counts over blocks of this many rows and columns, per channel. Blocks begin at
            the first row and column; the last ones may be smaller.

        Returns
        -------
        array of int, shape (trials, units)
            With ``pooled``, (trials, channels x block rows x block columns), in C order.

        Raises
        ------
        SpecError
            If the population's spikes were not recorded, or not in every trial, the window is not
            two increasing times, or ``pooled`` is not two whole numbers of at least 1.
        """
        found = self._counted(population, window, pooled, "counts")
        # In 64 bits: trials times units outgrows 32.
        flat = found.trial.astype(np.int64) * found.n_columns + found.column
        dense = np.bincount(flat, minlength=self.n_trials * found.n_columns)
        return dense.reshape(self.n_trials, found.n_columns)

    def sparse_counts(
        self,
        population: str,
        window: Window | None = None,
        *,
        pooled: tuple[int, int] | None = None,
    ) -> csr_array:
        """Spike counts as :meth:`counts` gives them, as a sparse array.

        Parameters
        ----------
        population, window, pooled
            As for :meth:`counts`.

        Returns
        -------
        scipy.sparse.csr_array of int64, shape (trials, units)
            Classifiers of scikit-learn accept it. Its memory grows with the number of spikes.
        """
        from scipy.sparse import csr_array

        found = self._counted(population, window, pooled, "sparse_counts")
        one = np.ones(len(found.trial), dtype=np.int64)
        counts = csr_array(
            (one, (found.trial, found.column)), shape=(self.n_trials, found.n_columns)
        )
        counts.sum_duplicates()
        return counts

    def _counted(
        self, population: str, window: Window | None, pooled: tuple[int, int] | None, where: str
    ) -> SpikeColumns:
        self.size(population)  # raises an error that names the populations
        spikes = self.spikes_of(population)
        absent.check_recorded(population, self.trials, where)
        return spike_columns(spikes, self.shapes[population], window, pooled, where)

    def to_neo(
        self,
        *,
        populations: Sequence[str] | None = None,
        units: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
        trials: Sequence[int] | None = None,
    ) -> neo.Block:
        """Convert to a Neo block with one segment per trial, for Elephant and other programs.

        Every segment is annotated with its row of the trial table, every spike train with its
        population, unit, channel, row and column; times are ms from 0 to the trial's duration.
        Neo has no object for snapshots, which are left out.

        A Neo object costs about 1.6 ms: 1000 units in 100 trials take minutes. Select the
        populations, units and trials you need; the default is all of them.

        Parameters
        ----------
        populations : sequence of str, optional
        units : sequence of int, or mapping from population to it, optional
        trials : sequence of int, optional

        Returns
        -------
        neo.Block
        """
        return neo_blocks.to_block(self, populations, units, trials)

    @classmethod
    def from_neo(
        cls, block: neo.Block, *, trials: str | None = None, leave_out: Sequence[str] = ()
    ) -> Recording:
        """Convert a Neo block, such as :meth:`to_neo` returns or a laboratory recorded.

        Each segment is one trial; with ``trials``, each interval t0 < t <= t1 of an epoch is one.
        Annotations of the segment, and labels and array annotations of the epoch, become the row
        of the trial table. Times count from the beginning of the trial: the interval's, or the
        earliest beginning of a spike train or signal of the segment.

        Spike trains without an annotation ``population`` belong to population ``"units"``; those
        without a ``unit`` are numbered in their order. Signals without a ``population`` belong to
        ``"units"`` if they have an array annotation ``unit``, else to ``"channels"``. A silent
        unit needs an empty train. Waveforms and other annotations of spike trains are not read.

        Parameters
        ----------
        block : neo.Block
        trials : str, optional
            Name of the epoch that holds the trials; ``"Epoch"`` for one without a name.
        leave_out : sequence of str, optional
            Names of epochs, events, signals and annotations that are not needed.

        Returns
        -------
        Recording

        Raises
        ------
        SpecError
            If the block holds what a recording cannot and ``leave_out`` does not name, or two
            trains or signals have the same name and unit.
        """
        return cls._from_tree(from_neo.to_tree(block, trials, leave_out))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to an HDF5 file, whole or not at all.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        hdf5.write_tree(path, self._tree(), kind=_KIND, version=_VERSION)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Read the recording that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is missing, not HDF5, damaged, or of another version.
        """
        tree = hdf5.read_tree(path, kind=_KIND, version=_VERSION)
        try:
            return cls._from_tree(tree)
        except (KeyError, TypeError, SpecError) as error:
            raise DataError(f"is damaged; create it again ({error})", where=str(path)) from None

    def _tree(self) -> dict[str, Any]:
        return tree_of(self.shapes, self.trials, self.spikes, self.signals, self.snapshots)

    @classmethod
    def _from_tree(cls, tree: Mapping[str, Any]) -> Recording:
        return cls(**parts_of(tree))
