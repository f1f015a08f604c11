"""``scnnbio score``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import app, print_scores, verdict_text
from scnnbio.cli.ending import FAILED
from scnnbio.cli.terminal import errors, print_table, progress
from scnnbio.errors import SpecError

if TYPE_CHECKING:
    from scnnbio.cli.scored import Subject
    from scnnbio.validation import Score
    from scnnbio.validation.side_by_side import SideBySide


@app.command()
def score(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="PLACE [PLACE]",
            help="The folder of a run, a file that Recording.save wrote, or an NWB file. Two are"
            " compared claim by claim.",
        ),
    ],
    claims: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Of a file: the claims to judge it by; v1 and brainscore are groups of them.",
        ),
    ] = None,
    population: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Of a file: whose spikes, each judged apart; needed if there are several.",
        ),
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="Of an NWB file: what its columns mean."),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="area | session",
            help="Of an NWB file: judge each area apart, or all units of the session together.",
        ),
    ] = "area",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a report there, with a figure per claim on which all places are side by"
            " side. Of two places or of a file; a run has its own, which 'scnnbio figures' draws.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace an older report.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 4 unless every claim is met.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a finished run again, and store scores and measures; or judge a recording."""
    from scnnbio.cli import scored

    if len(places) > 2:
        raise SpecError(
            f"one place is judged or two are compared, not {len(places)}", where="score"
        )
    if len(places) == 1 and os.path.isdir(places[0]):
        if out is not None:
            raise SpecError("a run has its own report; leave out --out", where=str(places[0]))
        scores, name = _of_run(places[0], claims or population)
        lacking = f"experiment {name!r} has no claims; add a table [[claims]] to it"
    else:
        wanted = scored.Wanted(claims, population, columns, by)
        judged = scored.judged_at(places, wanted)
        _tell_notes(judged)
        found = scored.pairs(*judged) if len(places) == 2 else scored.alone(judged[0])
        if out is not None:
            _write(out, found, places, force)
        if len(places) == 2:
            _tell_pairs(found, places, as_json)
            return
        scores, lacking = tuple(pair.one for pair in found), "no claim is named"
    if as_json:
        sys.stdout.write(json.dumps([s.to_dict() for s in scores], indent=2) + "\n")
    else:
        print_scores(scores)
        _tell_chance(scores)
    if not strict:
        return
    if not any(s.verdict in ("agrees", "disagrees") for s in scores):
        # Where nothing was judged, the command fails.
        why = f"none of its {len(scores)} claims could be judged; the table says why"
        text = Text(f"nothing was judged: {why if scores else lacking}")
        errors.print(text, style="red", soft_wrap=True)
        raise typer.Exit(FAILED)
    if any(s.verdict not in ("agrees", "chosen for") for s in scores):
        raise typer.Exit(FAILED)


def _of_run(folder: Path, named: str | None) -> tuple[tuple[Score, ...], str]:
    """Scores of a run's own claims, which are stored, and the name of its study."""
    from scnnbio import workflow
    from scnnbio.workflow.folder import write_scores

    if named is not None:
        raise SpecError(
            "a run is judged by the claims of its document; --claims and --population are for the"
            " file of a recording",
            where=str(folder),
        )
    with progress() as report:
        results = workflow.judge(workflow.load_results(folder, report))
    write_scores(results, folder)
    return results.scores, results.study.name


def _write(folder: Path, pairs: Sequence[SideBySide], places: Sequence[Path], force: bool) -> None:
    """The report of places that were judged, with its figures and scores."""
    from scnnbio.cli.judged import write_judged

    with progress() as report:
        write_judged(folder, pairs, places, replace=force, report=report)
    errors.print(Text(f"report: {folder / 'report.html'}"), soft_wrap=True)


def _tell_notes(judged: Sequence[Subject]) -> None:
    for one in judged:
        for note in one.notes:
            errors.print(Text(f"{one.place}: {note}"), style="yellow", soft_wrap=True)


def _tell_chance(scores: Sequence[Score]) -> None:
    """How many disagreements chance alone would give: claims are not corrected for their number."""
    from scnnbio.validation.summary import chance_note

    if told := chance_note(scores):
        errors.print(Text(told), soft_wrap=True)


def _tell_pairs(pairs: Sequence[SideBySide], places: Sequence[Path], as_json: bool) -> None:
    if as_json:
        compared = [
            {
                "one": p.one.to_dict(),
                "other": None if p.other is None else p.other.to_dict(),
                "distance": p.distance,
                "p": p.p,
                "about": p.about,
            }
            for p in pairs
        ]
        sys.stdout.write(json.dumps(compared, indent=2) + "\n")
        return
    rows = []
    for pair in pairs:
        sides: list[str | Text] = []
        for side in (pair.one, pair.other):
            value = "-" if side is None or side.value is None else f"{side.value:.3g}"
            sides += [value, "-" if side is None else verdict_text(side.verdict)]
        other = pair.about if pair.other is None else pair.other.about
        about = " / ".join(dict.fromkeys(filter(None, (pair.one.about, other))))
        rows.append((pair.one.claim, about, *sides, pair.reason))
    names = [place.name for place in places]
    print_table(("claim", "on", names[0], "verdict", names[1], "verdict", "why"), rows)
