"""The input that plays events of files or arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.inputs.base import Draw, Input, Trial, check_columns, check_trial, column
from scnnbio.inputs.events.folders import Entry, entries_of
from scnnbio.inputs.events.isolated import Isolated
from scnnbio.inputs.events.playing import (
    Polarity,
    Repeated,
    check_choices,
    played,
    shape_of,
)
from scnnbio.inputs.events.reading import OnDamage, read_events
from scnnbio.inputs.events.stream import Events
from scnnbio.stimuli.base import Files, FileSkipped, bounded, count, positive
from scnnbio.units import Milliseconds, Number, plain
from scnnbio.values import FrozenTable

#: How a recording becomes trials.
Slices = Literal["none", "time", "count"]
#: What is 0 ms in a recording: 0 of the file's clock, or the first event.
Origin = Literal["clock", "first"]


@final
@dataclass(frozen=True, eq=False)
class FromEvents(Input):
    """Events of recordings, each event one spike of its pixel.

    Parameters
    ----------
    events : Events, sequence of Events, or str
        One recording, several, or the path of a file or folder; a folder is read as
        :func:`~scnnbio.inputs.events.folders.entries_of` describes.
    duration : float
        Of each trial (ms); required.
    slices : {"none", "time", "count"}
        Each recording is one trial; or it is cut into trials of ``duration``, one after another;
        or into trials of ``count`` events each, which begin with their first event. A last slice
        that is not complete is left out.
    count : int, optional
        Events of a slice, for ``slices = "count"``.
    origin : {"clock", "first"}
        Time from which a recording counts: 0 of its clock, or its first event. Slices by count
        need none.
    polarity : {"both", "merged", "on", "off"}
        Channels of the source: ON and OFF, one for both, or one for those of one polarity.
    repeated : {"refuse", "merge"}
        What happens to events of a neuron in the same step: they are an error, or one spike.
    denoise : float
        Window (ms) of :meth:`Events.denoise`; 0 leaves it out. It comes before ``crop``.
    crop : tuple of int, optional
        (row, column, rows, columns), as in :meth:`Events.crop`. It comes before ``subsample``.
    subsample : int
        As in :meth:`Events.subsample`.
    drop : float
        Part of the events that is lost, drawn anew in each trial.
    jitter : float
        Standard deviation (ms) by which each event is moved, drawn anew in each trial. An event
        that leaves the trial is lost.
    shuffled : bool
        Permute the times of the events of a trial: a control that keeps each pixel's count.
    labels : mapping of str to array of shape (recordings,), optional
        Columns of the trial table, for events that are given as :class:`Events`.
    part : str, optional
        Only recordings of this part: ``"train"`` or ``"test"``.
    first, n : int, optional
        The first recording and the number of recordings; all if not given.
    shuffle : int, optional
        Seed of a random order of the recordings, to which ``first`` and ``n`` refer.
    format, size, damaged
        Of files, as for :func:`read_events`.

    Attributes
    ----------
    trials : tuple of Events
        The events of each trial. With the columns and what happens to events in a trial they are
        the input's identity: the same events from a file and from arrays are the same input.

    Raises
    ------
    SpecError
        If an argument is not as described, or an event is outside its trial.
    DataError
        If a file cannot be read.
    """

    events: Events | Sequence[Events] | str
    # 0 is refused: a duration is required, but a field that overrides a property needs a default.
    duration: Milliseconds = 0.0
    slices: Slices = "none"
    count: int | None = None
    origin: Origin = "clock"
    polarity: Polarity = "both"
    repeated: Repeated = "refuse"
    denoise: Milliseconds = 0.0
    crop: tuple[int, int, int, int] | None = None
    subsample: int = 1
    drop: Number = 0.0
    jitter: Milliseconds = 0.0
    shuffled: bool = False
    labels: Mapping[str, ArrayLike] = field(default_factory=dict)
    part: str | None = None
    first: int = 0
    n: int | None = None
    shuffle: int | None = None
    format: str | None = None
    size: tuple[int, int] | None = None
    damaged: OnDamage = "refuse"
    trials: tuple[Events, ...] = field(init=False, repr=False)
    columns: Mapping[str, NDArray[Any]] = field(init=False, repr=False)
    files: Files = field(default=Files(), init=False, repr=False)

    paths: ClassVar[tuple[str, ...]] = ("events",)

    def __post_init__(self) -> None:
        self._check_values()
        recordings, columns, skipped = self._recordings()
        trials: list[Events] = []
        source: list[int] = []
        begin: list[float] = []
        changed = [self._changed(recording) for recording in recordings]
        for k, recording in enumerate(changed):
            for start, piece in self._pieces(recording):
                trials.append(piece)
                source.append(k)
                begin.append(start)
        if not trials:
            raise SpecError(
                f"no recording is as long as a slice; the longest has"
                f" {max(map(len, changed))} events over"
                f" {max(one.duration for one in changed):g} ms",
                where="FromEvents.slices",
            )
        sizes = sorted({piece.size for piece in trials})
        if len(sizes) > 1:
            raise SpecError(
                f"sensors of {sizes[0]} and {sizes[1]} pixels; give size, or use recordings of one"
                " sensor",
                where="FromEvents.events",
            )
        table = {name: values[np.array(source)] for name, values in columns.items()}
        if self.slices != "none":
            table |= {"recording": np.array(source), "begin": np.array(begin)}
        read = dict.fromkeys(file for recording in recordings for file in recording.files.read)
        self._keep(trials, table, Files(tuple(read), skipped))
        for k in range(len(trials)):
            self._played(trials[k], self.duration, merge=True, where=f"FromEvents.trials[{k}]")

    def _check_values(self) -> None:
        where = "FromEvents"

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("duration", positive(self.duration, "ms", f"{where}.duration"))
        check_choices(self.polarity, self.repeated, where)
        for name, known in (("slices", ("none", "time", "count")), ("origin", ("clock", "first"))):
            if getattr(self, name) not in known:
                raise SpecError(not_one_of(getattr(self, name), known), where=f"{where}.{name}")
        if (self.count is not None) != (self.slices == "count"):
            raise SpecError('goes with slices = "count"', where=f"{where}.count")
        for name, least in (("count", 1), ("n", 1), ("shuffle", 0), ("first", 0), ("subsample", 1)):
            given = getattr(self, name)
            if given is not None:
                put(name, count(given, f"{where}.{name}", least=least))
        put("denoise", bounded(self.denoise, "ms", f"{where}.denoise"))
        put("jitter", bounded(self.jitter, "ms", f"{where}.jitter"))
        put("drop", bounded(self.drop, "1", f"{where}.drop", high=1.0))
        if self.crop is not None:
            if not isinstance(self.crop, tuple | list) or len(self.crop) != 4:
                raise SpecError(
                    f"{self.crop!r} is not (row, column, rows, columns)", where=f"{where}.crop"
                )
            put("crop", tuple(self.crop))
        if not isinstance(self.shuffled, bool):
            raise SpecError(f"{self.shuffled!r} is not true or false", where=f"{where}.shuffled")
        check_columns(self.labels, f"{where}.labels")

    def _recordings(
        self,
    ) -> tuple[list[Events], dict[str, NDArray[Any]], tuple[FileSkipped, ...]]:
        """The recordings that are shown, with the columns of each."""
        where = "FromEvents.events"
        if isinstance(self.events, str | Path):
            if self.labels:
                raise SpecError(
                    "a file or folder has its own labels; leave them out", where="FromEvents.labels"
                )
            path = Path(self.events).expanduser().absolute()
            # Absolute, so that a document of it refers to the same files from any working folder.
            object.__setattr__(self, "events", str(path))
            entries, skipped = entries_of(path) if os.path.isdir(path) else ([Entry(path)], ())
            chosen = [entries[k] for k in self._chosen([entry.part for entry in entries])]
            return list(self._read(chosen)), _columns(chosen), skipped
        given = [self.events] if isinstance(self.events, Events) else self.events
        if not isinstance(given, list | tuple) or not given:
            raise SpecError(f"{given!r} is not Events, several, or a path", where=where)
        if any(not isinstance(one, Events) for one in given):
            raise SpecError("one of them is not of the type Events", where=where)
        columns = {
            name: column(name, values, len(given), "FromEvents.labels")
            for name, values in self.labels.items()
        }
        parts = columns.get("part")
        shown = self._chosen([None] * len(given) if parts is None else parts.tolist())
        return [given[k] for k in shown], {n: v[shown] for n, v in columns.items()}, ()

    def _chosen(self, parts: Sequence[str | None]) -> NDArray[np.intp]:
        """Numbers of the recordings that are shown, in order."""
        order = np.arange(len(parts))
        if self.part is not None:
            order = np.flatnonzero(np.array([part == self.part for part in parts]))
            if not len(order):
                known = sorted({part for part in parts if part is not None})
                raise SpecError(not_one_of(self.part, known), where="FromEvents.part")
        if self.shuffle is not None:
            order = np.random.default_rng(self.shuffle).permutation(order)
        last = len(order) if self.n is None else self.first + self.n
        if not self.first < last <= len(order):
            raise SpecError(
                f"recordings {self.first} to {last - 1} are not all there: there are {len(order)}",
                where="FromEvents.n",
            )
        return order[self.first : last]

    def _read(self, entries: Sequence[Entry]) -> Iterator[Events]:
        how: dict[str, Any] = {
            "format": self.format, "size": self.size, "damaged": self.damaged,
        }  # fmt: skip
        last: tuple[Path | None, Events | None] = (None, None)
        with Isolated() as isolated:
            for entry in entries:
                whole = last[1] if last[0] == entry.path else None
                if whole is None:
                    whole = read_events(entry.path, isolated=isolated, **how)
                last = (entry.path, whole)
                if entry.begin is None or entry.end is None:
                    yield whole
                else:
                    begin, end = entry.begin / 1e3, entry.end / 1e3
                    yield whole.between(begin, end).shifted(-begin)

    def _changed(self, events: Events) -> Events:
        if self.denoise:
            events = events.denoise(self.denoise)
        if self.crop is not None:
            events = events.crop(*self.crop)
        if self.subsample > 1:
            events = events.subsample(self.subsample)
        return events.shifted(-events.first / 1e3) if self.origin == "first" else events

    def _pieces(self, events: Events) -> Iterator[tuple[float, Events]]:
        """Trials of a recording, each with its beginning (ms)."""
        if self.slices == "none":
            yield 0.0, events
        elif self.slices == "time":
            for k, piece in enumerate(events.by_time(self.duration)):
                yield k * self.duration, piece
        else:
            first = np.asarray(events.t)[:: self.count] / 1e3
            yield from zip(first.tolist(), events.by_count(self.count or 1), strict=False)

    def _keep(self, trials: list[Events], table: dict[str, Any], files: Files) -> None:
        columns = {
            name: column(name, values, len(trials), "FromEvents.labels")
            for name, values in table.items()
        }
        object.__setattr__(self, "trials", tuple(trials))
        object.__setattr__(self, "columns", FrozenTable(columns))
        object.__setattr__(self, "files", files)
        if isinstance(self.events, str):
            return
        # What was chosen, cut and changed is stored once, as trials.
        object.__setattr__(self, "events", self.trials)
        object.__setattr__(self, "labels", self.columns)
        kept = {"slices": "none", "count": None, "origin": "clock", "denoise": 0.0, "crop": None,
                "subsample": 1, "part": None, "first": 0, "n": None, "shuffle": None}  # fmt: skip
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the events of the trials, independent of files; as arguments."""
        names = ("duration", "polarity", "repeated", "drop", "jitter", "shuffled")
        shown = {"events": self.trials, "labels": self.columns}
        return {**shown, **{name: getattr(self, name) for name in names}}

    def __repr__(self) -> str:
        rows, columns = self.trials[0].size
        return (
            f"FromEvents({sum(map(len, self.trials))} events of {rows} x {columns} pixels in"
            f" {self.n_trials} trials of {self.duration:g} ms)"
        )

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.trials)

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape that the source must have: channels, rows and columns of the sensor."""
        return shape_of(self.trials[0].size, self.polarity)

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        check_trial(trial, self.n_trials, "FromEvents")
        events = self.trials[trial]
        if self.drop:
            events = events.drop(self.drop, draw.rng)
        if self.jitter:
            events = events.jitter(self.jitter, draw.rng).between(0.0, self.duration)
        if self.shuffled:
            events = events.shuffled(draw.rng)
        return self._played(events, draw.dt, where=f"FromEvents.trials[{trial}]")

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise if a neuron has two events in one step, and they are not merged."""
        step = plain(dt, "ms", where="dt")
        if self.repeated == "merge" or self.drop or self.jitter or self.shuffled:
            return
        for k, events in enumerate(self.trials):
            self._played(events, step, where=f"FromEvents.trials[{k}]")

    def _played(self, events: Events, dt: float, *, merge: bool = False, where: str) -> Trial:
        repeated = "merge" if merge else self.repeated
        return played(events, self.duration, dt, self.polarity, repeated, where)

    def table(self) -> dict[str, NDArray[Any]]:
        """Labels, and the recording and the beginning (ms) of slices."""
        return dict(self.columns)


def _columns(entries: Sequence[Entry]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for name in ("label", "part"):
        values = [getattr(entry, name) for entry in entries]
        if all(value is not None for value in values):
            columns[name] = np.array(values)
    if len(entries) > 1:
        columns["file"] = np.array([entry.path.name for entry in entries])
    return columns
