"""Stimuli, encodings and inputs as tables of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.encoding import CODES, LGN, Code, Encoding, Pixels, Retina
from scnnbio.errors import SpecError
from scnnbio.experiment.documents import (
    Table,
    as_table,
    as_text,
    build,
    by_kind,
    check_keys,
    choose,
    join,
    kind_table,
    plain_table,
    plain_value,
    require,
)
from scnnbio.experiment.sources import Source, locate
from scnnbio.files import no_device
from scnnbio.inputs import (
    INPUTS,
    Events,
    EventSensor,
    FromCurrents,
    FromEvents,
    FromFrames,
    FromSensor,
    FromSpikes,
    Input,
)
from scnnbio.recording import Recording
from scnnbio.stimuli import STIMULI, Stimulus
from scnnbio.stimuli.base import FileRead, Files

#: Keys of a stage that describe its input, in the short and the full form.
INPUT_KEYS = ("stimulus", "encoding", "inputs")


def locate_all(row: Any, folder: Path | None) -> None:
    """Make the paths in a stage's stimulus and inputs absolute; ignore invalid entries."""
    locate(row.get("stimulus"), STIMULI, folder)
    inputs = row.get("inputs")
    for table in inputs.values() if isinstance(inputs, dict) else ():
        locate(table, INPUTS, folder)
        if isinstance(table, dict):
            locate(table.get("stimulus"), STIMULI, folder)


def input_rows(row: Mapping[str, Any], where: str) -> Table:
    """The keys of a stage that describe its input.

    Raises
    ------
    SpecError
        If there are none, or the two forms are mixed.
    """
    if "inputs" not in row:
        return {key: require(row, key, where) for key in ("stimulus", "encoding")}
    for key in ("stimulus", "encoding"):
        if key in row:
            raise SpecError(
                f"{key!r} is given beside 'inputs'; put both into inputs.NAME with"
                ' kind = "frames", or leave out inputs',
                where=where,
            )
    return {"inputs": row["inputs"]}


def over_base(base: Table, own: Mapping[str, Any]) -> Table:
    """The base stage, without the form of input that the derived stage replaces."""
    if "inputs" in own:
        return {key: v for key, v in base.items() if key not in ("stimulus", "encoding")}
    if "stimulus" in own or "encoding" in own:
        return {key: v for key, v in base.items() if key != "inputs"}
    return base


def _inputs(tables: Any, where: str) -> dict[str, Input]:
    return {
        str(name): _input(table, join(where, str(name)))
        for name, table in as_table(tables, where).items()
    }


def _input(table: Any, where: str) -> Input:
    kind = require(table, "kind", where)
    cls = choose(INPUTS, kind, "kind", join(where, "kind"))
    rest = {key: value for key, value in table.items() if key != "kind"}
    if cls is FromSpikes and "file" in rest:
        return _of_recording(rest, where)
    if cls is FromSpikes:
        check_keys(rest, [key for key in _SPIKES if key != "files"], where)
    if cls is FromCurrents and "file" in rest:
        return _of_file(rest, where)
    if cls is FromCurrents:
        check_keys(rest, _CURRENTS, where)
    return build(cls, rest, where, {**_PARTS, **_INPUT_READERS.get(kind, {})})


def _of_recording(table: Table, where: str) -> FromSpikes:
    """Spikes from a recording's file: ``file``, ``population`` and optionally ``off_grid``."""
    check_keys(table, ("file", "population", "off_grid"), where)
    path = Path(as_text(table["file"], join(where, "file")))
    population = as_text(require(table, "population", where), join(where, "population"))
    recording = Recording.load(path)
    file = Source.of(path, no_device(path).read_bytes(), "input")
    read = Files((FileRead(file.path, file.sha256),))
    try:
        off_grid = table.get("off_grid", "refuse")
        return FromSpikes.from_recording(recording, population, off_grid, read)
    except SpecError as error:
        raise SpecError(str(error), where=where) from None


def _of_file(table: Table, where: str) -> FromCurrents:
    """Values from a file: ``file``, and all other arguments except the values."""
    check_keys(table, ("file", *_CURRENTS[1:]), where)
    path = as_text(table["file"], join(where, "file"))
    rest = {key: value for key, value in table.items() if key != "file"}
    if "trials" in rest:
        rest["trials"] = dict(as_table(rest["trials"], join(where, "trials")))
    try:
        return FromCurrents.from_file(path, **rest)
    except SpecError as error:
        raise SpecError(str(error), where=where) from None


def encoding_from(table: Any, where: str) -> Encoding:
    """Make an encoding from its table."""
    return build(Encoding, table, where, {"lgn": _lgn, "code": _code})


def _code(table: Any, where: str) -> Code:
    """A code; one that changes the spikes of another has its table inside."""
    return by_kind(CODES, {"code": _code})(table, where)


def _lgn(table: Any, where: str) -> LGN | Retina | Pixels:
    """An LGN filter by its parameters, or one of kind ``"pixels"`` or ``"retina"``."""
    if "kind" in as_table(table, where):
        return by_kind({"pixels": Pixels, "retina": Retina})(table, where)
    return build(LGN, table, where)


def _labels(value: Any, where: str) -> Any:
    return value if isinstance(value, str) else dict(as_table(value, where))


def _events(value: Any, where: str) -> Any:
    """A path, or one table of events or several."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return tuple(build(Events, row, f"{where}[{k}]") for k, row in enumerate(value))
    return build(Events, value, where)


def _event_table(events: Events) -> Table:
    table = {name: plain_value(getattr(events, name)) for name in ("t", "x", "y", "size")}
    return {**table, "p": [int(on) for on in np.asarray(events.p)]}


def _sensor(value: Any, where: str) -> EventSensor:
    return build(EventSensor, value, where)


def _as_it_is(value: Any, where: str) -> Any:
    return value


Readers = Mapping[str, Callable[[Any, str], Any]]
_SPIKES = ("time", "unit", "trial", "size", "n_trials", "duration", "trials", "off_grid")
_CURRENTS = ("values", "frame", "duration", "unit", "port", "trials")
_INPUT_READERS: dict[str, Readers] = {
    "spikes": {"trials": lambda value, where: dict(as_table(value, where))},
    "currents": {"trials": lambda value, where: dict(as_table(value, where))},
    "images": {"labels": _labels, "images": _as_it_is},
    "events": {"labels": lambda value, where: dict(as_table(value, where)), "events": _events},
    "sensor": {"sensor": _sensor},
}
#: Readers of fields by name, for all inputs.
_PARTS: Readers = {
    "stimulus": by_kind(STIMULI),
    "encoding": encoding_from,
    "code": _code,
}
READERS: Readers = {
    "stimulus": by_kind(STIMULI),
    "encoding": encoding_from,
    "inputs": _inputs,
}


def input_tables(stimulus: Stimulus | None, encoding: Encoding | None, inputs: Any) -> Table:
    """Write the input of an experiment as the keys of a stage.

    Raises
    ------
    SpecError
        If no installed package registers the class of an input.
    """
    if stimulus is not None and encoding is not None:
        return _frames_table(stimulus, encoding)
    return {"inputs": {name: _input_table(driven, name) for name, driven in inputs.items()}}


def _frames_table(stimulus: Stimulus, encoding: Encoding) -> Table:
    table: Table = {"lgn": plain_table(encoding.lgn), "code": kind_table(CODES, encoding.code)}
    if encoding.gain_spread:
        table["gain_spread"] = encoding.gain_spread
    return {"stimulus": kind_table(STIMULI, stimulus), "encoding": table}


def _input_table(driven: Input, name: str) -> Table:
    if type(driven) is FromSpikes:
        return {"kind": "spikes", **{key: plain_value(getattr(driven, key)) for key in _SPIKES}}
    if type(driven) is FromCurrents:
        table = {key: plain_value(getattr(driven, key)) for key in _CURRENTS}
        return {
            "kind": "currents",
            **{key: value for key, value in table.items() if value is not None},
        }
    try:
        table = kind_table(INPUTS, driven)
        if isinstance(driven, FromFrames):
            table |= _frames_table(driven.stimulus, driven.encoding)
        if isinstance(driven, FromEvents) and not isinstance(driven.events, str):
            table["events"] = [_event_table(events) for events in driven.trials]
        if isinstance(driven, FromSensor):
            table["stimulus"] = kind_table(STIMULI, driven.stimulus)
    except SpecError as error:
        raise SpecError(error.message, where=f"inputs.{name}") from None
    return table
