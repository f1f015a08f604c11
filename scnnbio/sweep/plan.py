"""The plan of a sweep: a folder with the experiment, the grid, and a folder per point."""

from __future__ import annotations

import contextlib
import enum
import itertools
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from scnnbio.backends._lock import InUse, locked
from scnnbio.backends.choices import targets
from scnnbio.backends.fastest import fastest
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.experiment import Study, documents, load
from scnnbio.experiment.documents import setting
from scnnbio.workflow.drafts import find_draft
from scnnbio.workflow.folder import read_json

#: File that makes a folder that of a sweep.
SWEEP = "sweep.toml"
_EXPERIMENT, _POINTS, _POINT = "experiment.toml", "points", "point.toml"
#: More points than this are a mistake in the grid rather than a sweep.
_MOST = 100_000


class Status(enum.Enum):
    """What has become of a point."""

    DONE = "done"
    FAILED = "failed"
    AT_WORK = "at work"
    UNFINISHED = "unfinished"
    WAITING = "waiting"


@dataclass(frozen=True)
class Point:
    """One point of a sweep.

    Parameters
    ----------
    number : int
        From 1, as array tasks of Slurm count.
    folder : Path
    settings : tuple of str
        ``key=value`` for each key of the grid.
    seed : int
    """

    number: int
    folder: Path
    settings: tuple[str, ...]
    seed: int

    @property
    def run(self) -> Path:
        """Folder of its results, which exists when they are complete."""
        return self.folder / "run"

    @property
    def lock(self) -> Path:
        """File that the process at work on it locks."""
        return self.folder / "lock"

    @property
    def failure(self) -> Path:
        """File that says why it failed the last time."""
        return self.folder / "failed.json"

    @property
    def values(self) -> dict[str, Any]:
        """Value of each key of the grid."""
        return dict(map(setting, self.settings))

    @property
    def done(self) -> bool:
        """Whether its results are complete."""
        return os.path.isfile(self.run / "run.json")

    def status(self) -> Status:
        """What has become of it."""
        if self.done:
            return Status.DONE
        if os.path.isfile(self.lock):
            try:
                with locked(self.lock):
                    pass
            except InUse:
                return Status.AT_WORK
        if os.path.isfile(self.failure):
            return Status.FAILED
        return Status.UNFINISHED if self.unfinished else Status.WAITING

    @property
    def unfinished(self) -> bool:
        """Whether a killed process left a checkpoint or a finished stage."""
        with contextlib.suppress(DataError):
            find_draft(self.run)
            return True
        return False

    def failed(self) -> dict[str, Any]:
        """Message, number of attempts and round of its last failure; empty without one."""
        return dict(read_json(self.failure)) if os.path.isfile(self.failure) else {}


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep: an experiment at every point of a grid, with several seeds.

    Parameters
    ----------
    folder : Path
    backend : str
        As for ``scnnbio run``.
    grid : mapping of str to list
        Values of each key; the last key changes fastest after the seeds.
    seeds : tuple of int
    options : mapping of str to object
        Options of the backend.
    """

    folder: Path
    backend: str
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1,)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def write(
        cls,
        study: Study,
        folder: Path,
        *,
        grid: Iterable[str] = (),
        seeds: int = 1,
        backend: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Check a sweep, and write its plan.

        Parameters
        ----------
        study : Study
            With its profile and the settings that all points share.
        folder : Path
            Must not exist, or be empty.
        grid : iterable of str
            ``key=value,value,...``: a dotted path into the experiment or one of its options, and
            its values. A value with commas is in brackets or quotes.
        seeds : int
            Number of seeds, which count on from the experiment's own.
        backend : str, optional
            The fastest that can run the experiment on this machine if not given.
        options : mapping of str to object, optional

        Returns
        -------
        Plan

        Raises
        ------
        SpecError
            If a key or a value of the grid is wrong, at whatever point.
        DataError
            If the folder exists or cannot be written.
        """
        table = grid_of(grid)
        if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
            raise SpecError(f"{seeds!r} is not a number of seeds; write 1 or more", where="seeds")
        folder = folder.absolute()
        number = _number(table, seeds)
        if number > _MOST:
            raise SpecError(
                f"{number:,} points are more than {_MOST:,}; make the grid smaller", where="grid"
            )
        if os.path.exists(folder) and (not os.path.isdir(folder) or any(folder.iterdir())):
            raise DataError(
                "exists already; choose another folder, or execute the plan in it with"
                f" 'scnnbio work {folder}'",
                where=str(folder),
            )
        chosen = backend or fastest(study, options).name
        targets([stage.name for stage in study.stages], chosen, options)
        first = study.seed
        plan = cls(folder, chosen, table, tuple(range(first, first + seeds)), dict(options or {}))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error, folder) from None
        study.save(folder / _EXPERIMENT)
        for point in plan.points():
            plan.study(point)
            row = {"seed": point.seed, "settings": list(point.settings)}
            documents.write_bytes(tomli_w.dumps(row).encode(), point.folder / _POINT)
        # Written last: a folder without it is no plan.
        documents.write(
            {
                "backend": chosen,
                "seeds": list(plan.seeds),
                "options": plan.options,
                "grid": dict(plan.grid),
            },
            folder / SWEEP,
        )
        return plan

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """Read the plan in a folder.

        Raises
        ------
        DataError
            If there is none, or it is damaged.
        """
        folder = folder.absolute()
        path = folder / SWEEP
        if not os.path.isfile(path):
            raise DataError(
                "is not the folder of a sweep; write one with 'scnnbio sweep'", where=str(folder)
            )
        table = documents.parse(documents.read_bytes(path), path)
        documents.check_keys(table, ("backend", "seeds", "options", "grid"), "")
        try:
            return cls(
                folder,
                str(table["backend"]),
                {str(key): [*map(_checked, values)] for key, values in table["grid"].items()},
                tuple(int(seed) for seed in table["seeds"]),
                dict(table["options"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise DataError("is damaged; write the plan again", where=str(path)) from None

    def __len__(self) -> int:
        return _number(self.grid, len(self.seeds))

    def points(self) -> Iterator[Point]:
        """All points; the seeds change fastest."""
        each = itertools.product(*([(k, v) for v in values] for k, values in self.grid.items()))
        digits = len(str(len(self)))
        pairs = itertools.product(each, self.seeds)
        for number, (values, seed) in enumerate(pairs, start=1):
            settings = tuple(f"{key}={json.dumps(value)}" for key, value in values)
            folder = self.folder / _POINTS / f"{number:0{digits}}"
            yield Point(number, folder, settings, seed)

    def point(self, number: int) -> Point:
        """The point with a number.

        Raises
        ------
        SpecError
            If there is none.
        """
        for point in self.points():
            if point.number == number:
                return point
        raise SpecError(f"there is no point {number}; there are 1 to {len(self)}", where="point")

    def study(self, point: Point) -> Study:
        """The experiment at a point.

        Raises
        ------
        SpecError
            If a value of the grid is wrong.
        """
        try:
            path = self.folder / _EXPERIMENT
            return load(path, seed=point.seed, settings=point.settings)
        except SpecError as error:
            values = ", ".join(point.settings) or "no setting"
            raise SpecError(f"{error} (at {values})", where="grid") from None


def _number(grid: Mapping[str, Sequence[Any]], seeds: int) -> int:
    """Number of points: combinations of the grid's values, times seeds."""
    return seeds * math.prod(map(len, grid.values()))


def grid_of(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Values by key, from ``key=value,value,...``.

    Raises
    ------
    SpecError
        If a text is not of that form, or a key comes twice.

    Examples
    --------
    >>> grid_of(["maps=8,16", "window=[1, 2],[3, 4]"])
    {'maps': [8, 16], 'window': [[1, 2], [3, 4]]}
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key or not values.strip():
            raise SpecError(f"{text!r} is not of the grid; write key=value,value", where="--grid")
        if key in found:
            raise SpecError(f"{key!r} comes twice; list all its values once", where="--grid")
        found[key] = [_plain(f"{key}={part}") for part in _parts(values)]
        if any(found[key].count(value) > 1 for value in found[key]):
            raise SpecError(f"a value of {key!r} comes twice; remove one", where="--grid")
    return found


def _plain(text: str) -> Any:
    """The value of a setting, which is no table, date or number without end."""
    value = setting(text)[1]
    try:
        return _checked(value)
    except (TypeError, ValueError):
        raise SpecError(
            f"{text!r} is not a number, a text, true, false or a list of these; set the keys of a"
            " table one by one",
            where="--grid",
        ) from None


def _checked(value: Any) -> Any:
    """A value that a setting can hold; TypeError or ValueError for a table, a date or infinity."""
    if isinstance(value, dict):
        raise TypeError
    json.dumps(value, allow_nan=False)
    return value


def _parts(text: str) -> list[str]:
    """Text between commas that are in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts]
