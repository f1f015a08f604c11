"""The recording itself: what it checks, how it is cut, stored and given out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import DataError, SpecError, hint
from scnnbio.recording import hdf5, neo_blocks
from scnnbio.recording.samples import Signal, Snapshots, Spikes, contents, join
from scnnbio.recording.trials import join_tables, meets, trial_table

if TYPE_CHECKING:
    import neo

Shape = tuple[int, int, int]

_KIND = "recording"
_VERSION = 1
#: A stamp may exceed its trial by this much (ms): k * dt is rounded.
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Recording:
    """Spikes, signals and snapshots of a run, with one row a trial.

    Parameters
    ----------
    spikes : mapping from population to Spikes
    shapes : mapping from population to (channel, row, column)
        A population that is not in it, as from a laboratory, gets (n, 1, 1), where n is one more
        than its largest unit; a single number n means the same.
    trials : mapping from column to array of shape (trials,)
        ``duration`` (ms) is needed. ``stage`` (text) is ``"run"`` and ``start`` (ms since the
        run's beginning) one trial after another where they are not given. The other columns are
        stimulus parameters: NaN or ``""`` where a stage lacks them.
    signals : mapping from population to {variable: Signal}, optional
    snapshots : mapping from name to Snapshots, optional

    Raises
    ------
    SpecError
        If units, trials or times lie outside what the shapes and the trial table say.

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
    trials: Mapping[str, NDArray[Any]]
    signals: Mapping[str, Mapping[str, Signal]] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trials = trial_table(self.trials)
        shapes = {name: _shape(name, given) for name, given in self.shapes.items()}
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

    def _check_names(self) -> None:
        variables = [name for signals in self.signals.values() for name in signals]
        for name in (*self.shapes, *self.trials, *variables, *self.snapshots):
            # Names become groups of the file, where these have a meaning of their own.
            if not name or "/" in name or "\0" in name or name == ".":
                raise SpecError(f"{name!r} cannot be a name; leave out '/'", where="Recording")

    def _check_ranges(self) -> None:
        duration = self.trials["duration"]
        for name, spikes in self.spikes.items():
            where = f"Recording.spikes[{name!r}]"
            _check_index("unit", spikes.unit, self.size(name), where)
            _check_index("trial", spikes.trial, self.n_trials, where)
            _check_times(spikes, duration, where)
        for name, variables in self.signals.items():
            for variable, signal in variables.items():
                where = f"Recording.signals[{name!r}][{variable!r}]"
                _check_index("unit", signal.unit, self.size(name), where)
                _check_index("trial", signal.trial, self.n_trials, where)
        for name, snapshots in self.snapshots.items():
            # -1 is the state before the first trial.
            where = f"Recording.snapshots[{name!r}]"
            _check_index("trial", snapshots.trial + 1, self.n_trials + 1, where)

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
        """Return the spikes of ``population``, or say that there are none recorded."""
        if population not in self.spikes:
            said = hint(population, self.spikes)
            raise SpecError(f"no spikes of {population!r}; {said}", where="Recording")
        return self.spikes[population]

    def equals(self, other: Recording) -> bool:
        """Whether both hold the same values throughout (NaN equal to NaN)."""
        return _same(self._tree(), other._tree())

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
            Snapshots go with their trial; the state before the first trial stays.

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
            keep &= meets(self.trials[column], wanted)
        return self.take(np.flatnonzero(keep))

    def take(self, trials: ArrayLike) -> Recording:
        """Return the given trials, in increasing order and each once, renumbered from 0."""
        chosen = np.unique(np.asarray(trials, dtype=np.int64))
        _check_index("trial", chosen, self.n_trials, "Recording.take")
        renumbered = np.full(self.n_trials, -1, dtype=np.int32)
        renumbered[chosen] = np.arange(len(chosen), dtype=np.int32)
        spikes = {}
        for name, old in self.spikes.items():
            rows = np.flatnonzero(renumbered[old.trial] >= 0)
            spikes[name] = Spikes(old.time[rows], old.unit[rows], renumbered[old.trial[rows]])
        signals: dict[str, dict[str, Signal]] = {}
        for name, variables in self.signals.items():
            signals[name] = {}
            for variable, s in variables.items():
                rows = np.flatnonzero(renumbered[s.trial] >= 0)
                signals[name][variable] = Signal(
                    s.values[rows], s.unit, s.period, s.quantity, renumbered[s.trial[rows]],
                    s.time[rows],
                )  # fmt: skip
        snapshots = {}
        before = np.append(renumbered, np.int32(-1))  # so that index -1 stays -1
        for name, shots in self.snapshots.items():
            rows = np.flatnonzero((shots.trial == -1) | (before[shots.trial] >= 0))
            snapshots[name] = Snapshots(before[shots.trial[rows]], shots.values[rows])
        table = {column: values[chosen] for column, values in self.trials.items()}
        return Recording(spikes, self.shapes, table, signals, snapshots)

    def counts(
        self, population: str, window: tuple[float, float] | None = None
    ) -> NDArray[np.int64]:
        """Count the spikes of each unit in each trial.

        Parameters
        ----------
        population : str
        window : (float, float), optional
            Count the stamps t0 < t <= t1, in ms within the trial; the whole trial by default.

        Returns
        -------
        array of int, shape (trials, units)
        """
        size, spikes = self.size(population), self.spikes_of(population)
        # In 64 bits: trials times units outgrows 32.
        flat = spikes.trial.astype(np.int64) * size + spikes.unit
        if window is not None:
            flat = flat[(spikes.time > window[0]) & (spikes.time <= window[1])]
        counted = np.bincount(flat, minlength=self.n_trials * size)
        return counted.reshape(self.n_trials, size)

    def to_neo(
        self,
        *,
        populations: Sequence[str] | None = None,
        units: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
        trials: Sequence[int] | None = None,
    ) -> neo.Block:
        """Neo block with one segment a trial, for Elephant and for exchange.

        Every segment is annotated with its row of the trial table, every spike train with its
        population, unit, channel, row and column; times are ms from 0 to the trial's duration.
        Snapshots have no place in Neo and are left out.

        A Neo object costs about 1.6 ms: 1000 units in 100 trials take minutes. Ask for the
        populations, units and trials you need; by default they are all.

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
    def from_neo(cls, block: neo.Block) -> Recording:
        """Read a Neo block, such as :meth:`to_neo` gives or a laboratory has.

        One segment is one trial; what it is annotated with becomes its row of the trial table.
        Spike trains without a ``population`` belong to ``"units"``, and without a ``unit`` they
        are numbered as they stand in their segment. Times are taken from the train's start.
        """
        return cls._from_tree(neo_blocks.to_tree(block))

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
            raise DataError(f"is damaged; make it anew ({error})", where=str(path)) from None

    def _tree(self) -> dict[str, Any]:
        return {
            "shapes": dict(self.shapes),
            "trials": dict(self.trials),
            "spikes": {name: contents(s) for name, s in self.spikes.items()},
            "signals": {
                name: {variable: contents(s) for variable, s in variables.items()}
                for name, variables in self.signals.items()
            },
            "snapshots": {name: contents(s) for name, s in self.snapshots.items()},
        }

    @classmethod
    def _from_tree(cls, tree: Mapping[str, Any]) -> Recording:
        return cls(
            spikes={name: Spikes(**parts) for name, parts in tree["spikes"].items()},
            trials=tree["trials"],
            shapes=tree.get("shapes", {}),
            signals={
                name: {variable: Signal(**parts) for variable, parts in variables.items()}
                for name, variables in tree.get("signals", {}).items()
            },
            snapshots={
                name: Snapshots(**parts) for name, parts in tree.get("snapshots", {}).items()
            },
        )


def concatenate(recordings: Sequence[Recording]) -> Recording:
    """One recording with the trials of all, in the order given.

    A column that one lacks is NaN or ``""`` there. ``start`` stays as it stands in each.

    Parameters
    ----------
    recordings : sequence of Recording
        Populations of one name must have one shape, signals of one name the same units, period
        and quantity.

    Returns
    -------
    Recording

    Raises
    ------
    SpecError
        If there is none, or two do not fit together.
    """
    if not recordings:
        raise SpecError("there is nothing to concatenate", where="concatenate")
    if len(recordings) == 1:
        return recordings[0]
    shapes: dict[str, Shape] = {}
    for recording in recordings:
        for name, shape in recording.shapes.items():
            if shapes.setdefault(name, shape) != shape:
                raise SpecError(
                    f"population {name!r} is {shapes[name]} in one recording and {shape} in"
                    " another; concatenate recordings of one network",
                    where="concatenate",
                )
    offsets = np.cumsum([0, *(r.n_trials for r in recordings)]).tolist()
    parts = list(zip(recordings, offsets, strict=False))
    return Recording(
        spikes={
            name: join([(r.spikes[name], o) for r, o in parts if name in r.spikes])
            for name in _union(r.spikes for r in recordings)
        },
        trials=join_tables([r.trials for r in recordings]),
        shapes=shapes,
        signals={
            name: {
                variable: join([
                    (r.signals[name][variable], o)
                    for r, o in parts
                    if variable in r.signals.get(name, {})
                ])
                for variable in _union(r.signals.get(name, {}) for r in recordings)
            }
            for name in _union(r.signals for r in recordings)
        },
        snapshots={
            name: join([(r.snapshots[name], o) for r, o in parts if name in r.snapshots])
            for name in _union(r.snapshots for r in recordings)
        },
    )  # fmt: skip


def _union(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _shape(name: str, given: Any) -> Shape:
    parts = tuple(int(length) for length in np.atleast_1d(np.asarray(given)))
    if len(parts) == 1:
        parts = (*parts, 1, 1)
    if len(parts) != 3 or min(parts) < 0:
        raise SpecError(
            f"{given} is not (channel, row, column) nor a number of units",
            where=f"Recording.shapes[{name!r}]",
        )
    return parts


def _check_index(what: str, index: NDArray[Any], size: int, where: str) -> None:
    if index.size and not (index.min() >= 0 and index.max() < size):
        raise SpecError(
            f"{what} {index.min()} to {index.max()} lies outside the {size} there are",
            where=where,
        )


def _check_times(spikes: Spikes, duration: NDArray[np.float64], where: str) -> None:
    """The first and the last spike of each trial lie in it; they are sorted."""
    trial = np.arange(len(duration), dtype=np.int32)  # as theirs, or they are copied
    begin, end = (np.searchsorted(spikes.trial, trial, side) for side in ("left", "right"))
    trial = trial[begin < end]
    for time in (spikes.time[begin[trial]], spikes.time[end[trial] - 1]):
        outside = (time < -_SLACK) | (time > duration[trial] + _SLACK)
        if outside.any():
            first = int(np.argmax(outside))
            raise SpecError(
                f"a spike at {time[first]:g} ms lies outside trial {trial[first]}, which lasts"
                f" {duration[trial[first]]:g} ms; times count from the beginning of the trial",
                where=where,
            )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, np.ndarray) and one.dtype.kind == "f":
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(np.array_equal(one, other))
