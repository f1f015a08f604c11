"""The plan of a sweep: a folder with the experiment, the grid, and a folder per point."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import itertools
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from scnnbio.backends._lock import held
from scnnbio.backends.choices import targets
from scnnbio.backends.fastest import fastest
from scnnbio.digests import digest_of, files_of, read_digests, write_digests
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.experiment import Study, documents, load
from scnnbio.experiment.documents import setting
from scnnbio.sweep.grid import checked, grid_of
from scnnbio.values import digest_of as identity
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
    def said(self) -> str:
        """Its settings and seed, in words."""
        return ", ".join((*self.settings, f"seed {self.seed}"))

    @property
    def done(self) -> bool:
        """Whether its results are complete."""
        return os.path.isfile(self.run / "run.json")

    def status(self) -> Status:
        """What has become of it."""
        if self.done:
            return Status.DONE
        if held(self.lock):
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
        try:
            return dict(read_json(self.failure)) if os.path.isfile(self.failure) else {}
        except DataError:
            if os.path.isfile(self.failure):
                raise
            return {}  # it succeeded meanwhile


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
    here : Path
        At which relative paths in the grid start: the working folder in which it was written.
    """

    folder: Path
    backend: str
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (1,)
    options: Mapping[str, Any] = field(default_factory=dict)
    here: Path = Path()

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
            If a key or a value of the grid is wrong, at whatever point, or two points are the same
            experiment.
        DataError
            If the folder exists or cannot be written.
        """
        table = grid_of(grid)
        if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
            raise SpecError(f"{seeds!r} is not a number of seeds; write 1 or more", where="seeds")
        named = dict(study.document.get("options", {}))
        for key in table:
            if named.get(key, key) == "seed":
                raise SpecError(
                    f"{key!r} is the seed; choose the first one with --seed, and their number with"
                    " --seeds",
                    where="grid",
                )
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
        numbers = tuple(range(first, first + seeds))
        plan = cls(folder, chosen, table, numbers, dict(options or {}), Path.cwd())
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error, folder) from None
        study.save(folder / _EXPERIMENT)
        plan._write_points()
        # Written last: a folder without it is no plan.
        content = tomli_w.dumps(documents.plain_value(plan._table())).encode()
        before = {name: digest_of(folder / name) for name in files_of(folder)}
        kept = {name: sha for name, sha in before.items() if not name.startswith(f"{_POINTS}/")}
        write_digests(folder, {**kept, SWEEP: hashlib.sha256(content).hexdigest()})
        documents.write_bytes(content, folder / SWEEP)
        return plan

    def _table(self) -> dict[str, Any]:
        return {
            "backend": self.backend,
            "seeds": list(self.seeds),
            "options": self.options,
            "grid": dict(self.grid),
            "here": str(self.here),
        }

    def _write_points(self) -> None:
        """Check every point, and write its settings and the digests of its experiments."""
        known: dict[str, Point] = {}
        for point in self.points():
            study = self.study(point)
            same = known.setdefault(identity([study.stages, study.claims]), point)
            if same is not point:
                raise SpecError(
                    f"point {same.number} ({same.said}) and point {point.number} ({point.said})"
                    " are the same experiment; remove the value or the seed that changes nothing",
                    where="grid",
                )
            row = {
                "seed": point.seed,
                "settings": list(point.settings),
                "stages": {e.stage: e.digest() for e in study.experiments},
            }
            documents.write_bytes(tomli_w.dumps(row).encode(), point.folder / _POINT)

    @classmethod
    def read(cls, folder: Path) -> Plan:
        """Read the plan in a folder.

        Raises
        ------
        DataError
            If there is none, it is damaged, or it was edited after it was written.
        """
        folder = folder.absolute()
        path = folder / SWEEP
        if not os.path.isfile(path):
            raise DataError(
                "is not the folder of a sweep; write one with 'scnnbio sweep'", where=str(folder)
            )
        table = documents.parse(documents.read_bytes(path), path)
        documents.check_keys(table, ("backend", "seeds", "options", "grid", "here"), "")
        _check_files(folder)
        try:
            return cls(
                folder,
                str(table["backend"]),
                {str(key): [*map(checked, values)] for key, values in table["grid"].items()},
                tuple(int(seed) for seed in table["seeds"]),
                dict(table["options"]),
                Path(table.get("here", "")),
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
            # JSON writes characters beyond 16 bits in a form that TOML does not read.
            settings = tuple(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in values)
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
        DataError
            If it is not the experiment that it was when the plan was written.
        """
        try:
            path = self.folder / _EXPERIMENT
            study = load(path, seed=point.seed, settings=point.settings, here=self.here)
        except SpecError as error:
            values = ", ".join(point.settings) or "no setting"
            raise SpecError(f"{error} (at {values})", where="grid") from None
        row = point.folder / _POINT
        if os.path.isfile(row):
            then = documents.parse(documents.read_bytes(row), row).get("stages")
            if then is not None and then != {e.stage: e.digest() for e in study.experiments}:
                raise DataError(
                    "its experiment has changed since the plan was written (another version of"
                    " scnnbio, or changed files that it names); restore them, or write the plan"
                    " again in another folder",
                    where=str(row),
                )
        return study


def _check_files(folder: Path) -> None:
    """Raise unless the files of a plan are those that were written; older plans have no digests."""
    for name, digest in (read_digests(folder) or {}).items():
        path = folder / name
        if not os.path.isfile(path) or digest_of(path) != digest:
            raise DataError(
                "has changed since the plan was written, so that its points would not be those"
                " that ran; restore it, or write another plan in another folder",
                where=str(path),
            )


def _number(grid: Mapping[str, Sequence[Any]], seeds: int) -> int:
    """Number of points: combinations of the grid's values, times seeds."""
    return seeds * math.prod(map(len, grid.values()))
