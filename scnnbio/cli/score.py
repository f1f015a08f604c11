"""``scnnbio score``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import Folder, app, print_scores
from scnnbio.cli.ending import FAILED
from scnnbio.cli.terminal import errors, progress

if TYPE_CHECKING:
    from scnnbio.workflow import Results


@app.command()
def score(
    folder: Folder,
    strict: Annotated[bool, typer.Option(help="Exit with 4 unless every claim is met.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a finished run again, and store the scores."""
    from scnnbio import workflow
    from scnnbio.workflow.folder import write_scores

    with progress() as report:
        results = workflow.judge(workflow.load_results(folder, report))
    write_scores(results, folder)
    if as_json:
        sys.stdout.write(json.dumps([s.to_dict() for s in results.scores], indent=2) + "\n")
    else:
        print_scores(results.scores)
    if not strict:
        return
    if not any(s.verdict in ("agrees", "disagrees") for s in results.scores):
        errors.print(_unjudged(results), style="red", soft_wrap=True)
        raise typer.Exit(FAILED)
    if any(s.verdict not in ("agrees", "chosen for") for s in results.scores):
        raise typer.Exit(FAILED)


def _unjudged(results: Results) -> Text:
    """Why nothing was judged, which is no success."""
    if not results.scores:
        why = f"experiment {results.study.name!r} names no claim; add a table [[claims]] to it"
    else:
        why = f"none of its {len(results.scores)} claims could be judged; the table says why"
    return Text(f"nothing was judged: {why}")
