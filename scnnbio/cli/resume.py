"""``scnnbio resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scnnbio.cli.common import Jobs, app, print_scores
from scnnbio.cli.run import mention_resume
from scnnbio.cli.terminal import console, progress


@app.command()
def resume(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The results folder that the run was started with."),
    ],
    jobs: Jobs = None,
) -> None:
    """Resume a run that was killed, from its latest checkpoint."""
    from scnnbio import workflow

    with mention_resume(folder), progress() as report:
        results = workflow.resume(folder, report, jobs=jobs)
    print_scores(results.scores)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
