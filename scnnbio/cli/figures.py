"""``scnnbio figures``."""

from __future__ import annotations

from typing import Annotated

import typer

from scnnbio.cli.common import Folder, app
from scnnbio.cli.terminal import console, progress


@app.command()
def figures(
    folder: Folder,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Draw this figure only.")
    ] = None,
) -> None:
    """Draw the figures of a finished run again."""
    from scnnbio import workflow

    with progress() as report:
        drawn = workflow.draw(
            workflow.load_results(folder, report), folder, only=name, report=report
        )
    for path in drawn:
        console.print(str(path), soft_wrap=True)
