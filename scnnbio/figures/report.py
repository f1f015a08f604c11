"""The report of a study: one self-contained HTML file that needs no network connection."""

from __future__ import annotations

import base64
import functools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from scnnbio.errors import DataError, unwritable
from scnnbio.files import write_atomically
from scnnbio.validation import Score
from scnnbio.validation.estimates import AS_PUBLISHED, Estimate
from scnnbio.validation.observation import OBSERVED
from scnnbio.validation.summary import VERDICTS, chance_note, counted, shortfalls

__all__ = ["Picture", "Table", "render_report"]

#: Screen pixels per picture pixel: a page of 180 mm at 200 dots per inch is 1020 wide.
_SCALE = 0.72
#: Columns of the table of verdicts, and their widths in percent.
_COLUMNS = (
    ("Claim", 17),
    ("Verdict", 11),
    ("Model", 20),
    ("Observation", 17),
    ("n", 4),
    ("Excluded", 10),
    ("Source", 21),
)
#: Signs beside the verdicts, so that verdicts are readable without colour.
_SIGNS = {
    "agrees": "✓",
    "disagrees": "✗",
    "insufficient data": "?",
    "not applicable": "–",
    "chosen for": "○",
}


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Parameters
    ----------
    path : str or path
        PNG file.
    caption : str
        What is shown, how many cells were excluded and why. Plain text.
    title : str, optional
    score : Score, optional
        That of the claim which the figure is about; such figures have a section of their own, and
        the table of verdicts points to them.
    """

    path: str | os.PathLike[str]
    caption: str
    title: str = ""
    score: Score | None = None


@dataclass(frozen=True)
class Table:
    """A further table of the report; numbers are shortened to four digits.

    Parameters
    ----------
    title : str
    columns : sequence of str
    rows : sequence of sequences
        Each as long as ``columns``.
    caption : str, optional
    first : bool
        Whether the table comes before claims and figures.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=tuple)
    caption: str = ""
    first: bool = False


def render_report(
    path: str | os.PathLike[str],
    *,
    title: str,
    scores: Sequence[Score | Mapping[str, Any]] | None,
    provenance: Mapping[str, Any],
    figures: Mapping[str, Picture],
    tables: Sequence[Table] = (),
    left_out: Mapping[str, str] | None = None,
    summary: str | None = None,
) -> None:
    """Write a report as one self-contained HTML file.

    Parameters
    ----------
    path : str or path
    title : str
    scores : sequence of Score or of mappings as in ``scores.json``, or None
        None for a report without claims.
    provenance : mapping
        Names and values. A mapping of values becomes several rows; a mapping of mappings, such as
        ``"stages"``, becomes a table with one column each.
    figures : mapping from name to Picture
        Figures in the order of the report.
    tables : sequence of Table
    left_out : mapping from figure to reason, optional
        Figures that could not be drawn.
    summary : str, optional
        Line below the title; by default the number of claims by verdict.

    Raises
    ------
    DataError
        If a picture cannot be read or is not a PNG file, or the report cannot be written.
    """
    judged = [Score.from_dict(s) if isinstance(s, Mapping) else s for s in scores or ()]
    places = {_key(p.score): name for name, p in figures.items() if p.score is not None}
    rows = [_score(s.to_dict()) | {"figure": places.get(_key(s), "")} for s in judged]
    drawn = [_figure(name, picture) for name, picture in figures.items()]
    text = _template().render(
        title=title,
        columns=_COLUMNS,
        scores=None if scores is None else rows,
        summary=_summary(rows) if summary is None else summary,
        counted=counted(judged),
        verdicts=VERDICTS,
        chance=chance_note(judged),
        shortfalls=shortfalls(judged),
        figures=[figure for figure in drawn if not figure["of_claim"]],
        claim_figures=[figure for figure in drawn if figure["of_claim"]],
        left_out=dict(left_out or {}),
        tables=[_table(table) for table in tables],
        facts=_facts(provenance),
        matrices=_matrices(provenance),
    )
    try:
        write_atomically(text.encode(), Path(path))
    except OSError as error:
        raise unwritable(error, path) from None


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("scnnbio.figures"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _figure(name: str, picture: Picture) -> dict[str, Any]:
    try:
        content = Path(picture.path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(picture.path)) from None
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise DataError("is not a PNG file; save figures as PNG", where=str(picture.path))
    # A PNG file holds its width after 16 bytes. All pictures are shown at one scale.
    width = int.from_bytes(content[16:20], "big")
    return {
        "name": name,
        "width": round(width * _SCALE),
        "title": picture.title or name.replace("_", " "),
        "caption": picture.caption,
        "of_claim": picture.score is not None,
        "data": base64.b64encode(content).decode("ascii"),
    }


def _key(score: Score) -> tuple[Any, ...]:
    return score.claim, score.stage, score.population, score.projection


def _score(score: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the table of verdicts, as text."""
    verdict = str(score.get("verdict", ""))
    observation = score.get("observation") or {}
    excluded = score.get("excluded") or {}
    published = Estimate.of(score.get("published") or {})
    return {
        "claim": str(score.get("claim", "")),
        "about": _about(score),
        "value": _text(score.get("value"), digits=3),
        "measure": _measure(score),
        "estimate": str(Estimate.of(score.get("estimate") or {})),
        # An interval that the observation gives is there already.
        "published": "" if published.interval == AS_PUBLISHED else str(published),
        "choice": score.get("used_for") == "choice",
        "observation": _observed(observation),
        "quantity": str(observation.get("quantity", "")),
        "note": _note(observation),
        "verdict": verdict,
        "sign": _SIGNS.get(verdict, "?"),
        "kind": verdict.replace(" ", "-") if verdict in _SIGNS else "other",
        "reason": str(score.get("reason", "")),
        "n": _text(score.get("n")),
        "excluded": [f"{reason}: {number}" for reason, number in excluded.items() if number],
        "source": str(score.get("source", "")),
    }


def _about(score: Mapping[str, Any]) -> str:
    """Stage, populations and projection that were judged; older scores do not hold them."""
    names = [*score.get("population", ()), *filter(None, [score.get("projection")])]
    return ": ".join(filter(None, (str(score.get("stage", "")), ", ".join(names))))


def _measure(score: Mapping[str, Any]) -> str:
    """Name of a score's value, from its observation and prediction."""
    prediction, observation = score.get("prediction") or {}, score.get("observation") or {}
    if score.get("value") is None:
        return ""
    if "chance_limit" in observation:
        return "total variation distance"
    if "fraction" in prediction:
        return "fraction"
    unit = observation.get("unit", "1")
    what = "farthest" if "farthest" in prediction else "median"
    return what if unit == "1" else f"{what}, {unit}"


def _observed(observation: Mapping[str, Any]) -> str:
    """The published number as one line."""
    unit = observation.get("unit", "1")
    suffix = "" if unit == "1" else f" {unit}"
    value, interval = observation.get("value"), observation.get("interval")
    between = "" if interval is None else _between(*interval)
    if value is None:
        value_text = between or ("histogram" if observation.get("counts") is not None else "")
    else:
        value_text = _text(value) + (f" ({between})" if between else "")
    cells = "" if observation.get("n") is None else f"n = {observation['n']}"
    parts = (
        f"{value_text}{suffix}" if value_text else "",
        cells,
        str(observation.get("species", "")),
    )
    return "; ".join(part for part in parts if part)


def _between(low: float | None, high: float | None) -> str:
    """An interval; None is an open end."""
    if high is None:
        return f"{_text(low)} or above"
    return f"{_text(high)} or below" if low is None else f"{_text(low)} to {_text(high)}"


def _note(observation: Mapping[str, Any]) -> str:
    """How the observation was made, and how the model's measure differs."""
    made = [str(observation[name]) for name in OBSERVED[:-1] if name in observation]
    parts = [*made, str(observation.get("note", ""))]
    if "differs" in observation:
        parts.append(f"The model's measure: {observation['differs']}")
    return "; ".join(filter(None, parts))


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Number of claims by verdict."""
    numbers = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _SIGNS}
    counts_text = [
        # "1 agrees", but "2 agree"
        f"{number} {verdict.removesuffix('s') if number > 1 else verdict}"
        for verdict, number in numbers.items()
        if number
    ]
    claims = "1 claim" if len(rows) == 1 else f"{len(rows)} claims"
    return f"{claims}: {', '.join(counts_text)}." if counts_text else "No claim was judged."


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "caption": table.caption,
        "first": table.first,
        "columns": list(table.columns),
        "rows": [[_text(cell) for cell in row] for row in table.rows],
    }


def _listed(value: Any) -> bool:
    """Whether a value is a list of mappings."""
    return isinstance(value, list) and all(isinstance(v, Mapping) for v in value) and bool(value)


def _nested(value: Any) -> bool:
    """Whether a value is a mapping of mappings."""
    return isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values())


def _facts(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows that describe the whole run."""
    return [
        row
        for key, value in provenance.items()
        if not _nested(value) and not _listed(value)
        for row in _flat(value, (key,))
    ]


def _matrices(provenance: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One table per mapping of mappings, with its members as columns."""
    matrices, known = [], set(_facts(provenance))
    for key, value in provenance.items():
        if _listed(value):
            names = list(dict.fromkeys(name for row in value for name in row))
            rows = [[_text(row.get(name, "")) for name in names] for row in value]
            matrices.append({"title": _title(key), "columns": names, "rows": rows})
        if _nested(value):
            columns = {name: dict(_flat(member, ())) for name, member in value.items()}
            names = list(dict.fromkeys(name for column in columns.values() for name in column))
            # Values that all members share are in the first table already.
            names = [n for n in names if {(n, c.get(n)) for c in columns.values()} - known]
            matrices.append(
                {
                    "title": _title(key),
                    "columns": ["", *columns],
                    "rows": [
                        [name, *(c.get(name, "") for c in columns.values())] for name in names
                    ],
                }
            )
    return matrices


def _flat(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [row for key, item in value.items() for row in _flat(item, (*path, str(key)))]
    if path and path[-1] in ("files_read", "files_skipped"):
        return [(": ".join(_title(name) for name in path), _files(value))]
    # Names below the first level are those of populations, packages and phases: not changed.
    return [(": ".join([_title(path[0]) if path else "value", *path[1:]]), _text(value))]


def _files(files: Sequence[Mapping[str, str]], most: int = 8) -> str:
    """Names of the first files, with reasons; run.json lists all files with their digests."""
    names = [
        Path(file["path"]).name + (f" ({file['reason']})" if "reason" in file else "")
        for file in files[:most]
    ]
    more = [f"and {len(files) - most} more"] if len(files) > most else []
    return ", ".join(names + more)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any, digits: int = 4) -> str:
    """Plain text of a value, with few digits for a number that is not whole."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–" if math.isnan(value) else f"{value}"
        return f"{value:.{digits}g}" if abs(value) < 1e4 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_text(item) for item in value) or "–"
    return str(value)
