"""``scnnbio score``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from scnnbio.cli.common import Folder, app, print_scores
from scnnbio.cli.ending import FAILED
from scnnbio.cli.terminal import progress


@app.command()
def score(
    folder: Folder,
    strict: Annotated[bool, typer.Option(help="Exit with 4 if a claim is not met.")] = False,
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
    if strict and any(s.verdict != "agrees" for s in results.scores):
        raise typer.Exit(FAILED)
