"""What the columns of a laboratory's file mean: a small TOML document."""

from __future__ import annotations

import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scnnbio.errors import DataError, SpecError, hint
from scnnbio.files import no_device
from scnnbio.units import Milliseconds, Number, plain, plain_array
from scnnbio.values import Value

#: Columns of a trial table that hold numbers which claims read.
_NUMBERS = (
    "orientation", "spatial_frequency", "temporal_frequency", "contrast", "phase", "diameter",
    "inner_diameter", "mask_contrast", "mask_orientation", "luminance", "sequence",
)  # fmt: skip

#: What the public Neuropixels recordings of the Allen Institute call things.
_ALLEN: dict[str, Any] = {
    "species": "mouse",
    "state": "awake",
    "trials": {
        "table": "drifting_gratings_presentations",
        "blank": "orientation",
        # Theirs is the direction in which the grating moves; ours stands 90 deg before it.
        "columns": {
            "orientation": {"from": "orientation", "add": -90.0},
            "spatial_frequency": "spatial_frequency",
            "temporal_frequency": "temporal_frequency",
            "contrast": "contrast",
        },
    },
    "units": {
        "area": "location",
        "by_electrode": "peak_channel_id",
        "only": {"quality": "good"},
        "v1": ["VISp"],
    },
}
_LAYOUTS = {"allen": _ALLEN}


@dataclass(frozen=True)
class MappedColumn(Value):
    """A column of a file, and what is added to its numbers after they are multiplied."""

    source: str
    times: Number = 1.0
    add: Number = 0.0

    def __post_init__(self) -> None:
        for name in ("times", "add"):
            number = plain(getattr(self, name), "1", where=f"column {self.source!r}.{name}")
            object.__setattr__(self, name, number)


@dataclass(frozen=True, eq=False, repr=False)
class ColumnMap(Value):
    """Where an NWB file holds trials, stimulus parameters and areas.

    Parameters
    ----------
    columns : mapping from column of the trial table to MappedColumn
    table : str
        Table of intervals with one row per trial.
    blank : str
        Column of the file that has no number in blanks, whose contrast is then 0; empty if
        the column of the contrast says so itself.
    duration : float, optional
        ms that count of each trial; the shortest trial by default.
    area : str
        Column of the units, or of their electrodes, that says the area; empty if none does.
    by_electrode : str
        Column of the units with the ``id`` of an electrode, where that table has the area.
    only : mapping from column to value
        Units that are read: those with the value, or with one of a list. ``id`` is a column too.
    v1 : tuple of str
        Areas that are V1: claims on V1 are not applied to others. Empty where that is not said.
    species, state : str
        Of the animal, such as ``"mouse"`` and ``"awake"``: a claim about others is not applied.
    constants : mapping from column to float
        Stimulus parameters that all trials share, and the file does not hold.
    """

    columns: Mapping[str, MappedColumn]
    table: str = "trials"
    blank: str = ""
    duration: Milliseconds | None = None
    area: str = ""
    by_electrode: str = ""
    only: Mapping[str, Any] = field(default_factory=dict)
    v1: tuple[str, ...] = ()
    species: str = ""
    state: str = ""
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.duration is not None:
            duration = plain(self.duration, "ms", where="trials.duration")
            object.__setattr__(self, "duration", duration)

    def __repr__(self) -> str:
        return f"ColumnMap({', '.join(self.columns)} of {self.table!r})"

    @classmethod
    def load(cls, file: str | Path) -> ColumnMap:
        """Read a map from a TOML file.

        Raises
        ------
        DataError
            If it cannot be read.
        SpecError
            If a key is not known, or a value is of another kind.
        """
        try:
            given = tomllib.loads(no_device(Path(file)).read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", where=str(file)) from None
        except (ValueError, RecursionError) as error:  # of text that is not UTF-8, or not TOML
            raise DataError(f"is not TOML: {error}", where=str(file)) from None
        return cls.of(given, str(file))

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "map") -> ColumnMap:
        """The map of a table, as a TOML file holds it; see :meth:`load`.

        Examples
        --------
        >>> ColumnMap.of({"layout": "allen"}).area
        'location'
        """
        whole = dict(given)
        if "layout" in whole:
            layout = whole.pop("layout")
            if not isinstance(layout, str) or layout not in _LAYOUTS:
                raise SpecError(
                    f"no layout {layout!r}; {hint(str(layout), _LAYOUTS)}", where=f"{where}.layout"
                )
            whole = _over(_LAYOUTS[layout], whole)
        _check_keys(whole, ("species", "state", "trials", "units"), where)
        trials, units = (_table(whole.get(n, {}), f"{where}.{n}") for n in ("trials", "units"))
        known = ("table", "blank", "duration", "columns", "constants")
        _check_keys(trials, known, f"{where}.trials")
        _check_keys(units, ("area", "by_electrode", "only", "v1"), f"{where}.units")
        columns = _table(trials.get("columns", {}), f"{where}.trials.columns")
        constants = _table(trials.get("constants", {}), f"{where}.trials.constants")
        for names, place in ((columns, "columns"), (constants, "constants")):
            _check_keys(names, _NUMBERS, f"{where}.trials.{place}")
        if not columns:
            raise SpecError(
                "says nothing of the stimulus; add a table [trials.columns], as in orientation ="
                ' "angle"', where=f"{where}.trials.columns",
            )  # fmt: skip
        texts = {
            "table": trials.get("table", "trials"), "blank": trials.get("blank", ""),
            "area": units.get("area", ""), "by_electrode": units.get("by_electrode", ""),
            "species": whole.get("species", ""), "state": whole.get("state", ""),
        }  # fmt: skip
        for name, text in texts.items():
            if not isinstance(text, str):
                raise SpecError(f"{text!r} is not text", where=f"{where}.{name}")
        v1 = units.get("v1", [])
        if not isinstance(v1, list) or not all(isinstance(name, str) for name in v1):
            raise SpecError(f"{v1!r} is not a list of areas", where=f"{where}.units.v1")
        return cls(
            v1=tuple(v1),
            columns={n: _column(c, f"{where}.trials.columns.{n}") for n, c in columns.items()},
            constants={
                n: _constant(c, f"{where}.trials.constants.{n}") for n, c in constants.items()
            },
            only=_table(units.get("only", {}), f"{where}.units.only"),
            duration=trials.get("duration"),
            **texts,
        )


def _constant(given: Any, where: str) -> float:
    """A number without unit, which may be NaN."""
    values = plain_array(given, "1", where=where, finite=False)
    if values.ndim:
        raise SpecError(f"{reprlib.repr(given)} is not a single number", where=where)
    return float(values)


def _over(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given in place of the same keys of a layout, table by table."""
    whole = dict(base)
    for name, value in given.items():
        both = isinstance(value, Mapping) and isinstance(whole.get(name), Mapping)
        whole[name] = _over(whole[name], value) if both and "from" not in value else value
    return whole


def _table(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise SpecError(f"{given!r} is not a table", where=where)
    return dict(given)


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in known:
            raise SpecError(f"no key {name!r}; {hint(name, known)}", where=where)


def _column(given: Any, where: str) -> MappedColumn:
    if isinstance(given, str):
        return MappedColumn(given)
    table = _table(given, where)
    _check_keys(table, ("from", "times", "add"), where)
    if not isinstance(table.get("from"), str):
        raise SpecError('needs from = "name of a column"', where=where)
    number = {n: plain(table[n], "1", where=f"{where}.{n}") for n in ("times", "add") if n in table}
    return MappedColumn(table["from"], **number)
