"""``scnnbio resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scnnbio.cli.common import app, print_scores
from scnnbio.cli.run import telling_what_is_left
from scnnbio.cli.terminal import console, progress


@app.command()
def resume(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the results of the run were to go.")
    ],
) -> None:
    """Go on with a run that was killed, from its latest checkpoint."""
    from scnnbio import workflow

    with telling_what_is_left(folder), progress() as report:
        results = workflow.resume(folder, report)
    print_scores(results.scores)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
