"""``scnnbio score``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import app, print_scores
from scnnbio.cli.ending import FAILED
from scnnbio.cli.terminal import errors, progress
from scnnbio.errors import SpecError

if TYPE_CHECKING:
    from scnnbio.validation import Score


@app.command()
def score(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The folder of a run, or a file that Recording.save wrote."
        ),
    ],
    claims: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Of a file: the claims to judge it by."),
    ] = None,
    population: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a file: whose spikes; needed if there are several."),
    ] = None,
    strict: Annotated[bool, typer.Option(help="Exit with 4 unless every claim is met.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a finished run again, and store scores and measures; or judge a recording."""
    if place.is_file():
        scores = _of_recording(place, claims, population)
        lacking = "no claim is named"
    else:
        scores, name = _of_run(place, claims or population)
        lacking = f"experiment {name!r} has no claims; add a table [[claims]] to it"
    if as_json:
        sys.stdout.write(json.dumps([s.to_dict() for s in scores], indent=2) + "\n")
    else:
        print_scores(scores)
    if not strict:
        return
    if not any(s.verdict in ("agrees", "disagrees") for s in scores):
        # Nothing was judged, which is no success.
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


def _of_recording(file: Path, named: str | None, population: str | None) -> tuple[Score, ...]:
    """Scores of a recording without a model."""
    from scnnbio.recording import Recording
    from scnnbio.validation import CLAIMS, Evidence

    chosen = [CLAIMS.choose(name.strip(), "--claims") for name in (named or "").split(",") if name]
    if not chosen:
        raise SpecError(
            "name the claims to judge it by, as in --claims fano_factor,isi_cv", where=str(file)
        )
    recording = Recording.load(file)
    if population is None:
        if len(recording.spikes) != 1:
            held = ", ".join(recording.spikes) or "none"
            raise SpecError(f"name one with --population: there are {held}", where=str(file))
        (population,) = recording.spikes
    evidence = Evidence(recording, (population,))
    return tuple(claim.judge(evidence) for claim in chosen)
