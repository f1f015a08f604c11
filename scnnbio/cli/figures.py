"""``scnnbio figures``."""

from __future__ import annotations

from typing import Annotated

import typer

from scnnbio.cli.common import Folder, app
from scnnbio.cli.terminal import console, progress
from scnnbio.errors import SpecError


@app.command()
def figures(
    folder: Folder,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Draw this figure only.")
    ] = None,
    animate: Annotated[
        bool,
        typer.Option(
            "--animate",
            help="Draw NAME as an animation: raster (spikes), membrane (sampled signals) or kernels"
            " (their snapshots).",
        ),
    ] = False,
    stage: Annotated[
        str | None,
        typer.Option(help="Of an animation; default: the first stage that recorded it."),
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of an animation, from 0; default: that with most spikes."),
    ] = None,
    mp4: Annotated[
        bool, typer.Option("--mp4", help="Write the animation as MP4, by ffmpeg; else as GIF.")
    ] = False,
) -> None:
    """Draw the figures of a finished run again, or animate it."""
    from scnnbio import workflow

    if not animate and (stage is not None or trial is not None or mp4):
        raise SpecError("--stage, --trial and --mp4 are of an animation; add --animate")
    with progress() as report:
        results = workflow.load_results(folder, report)
        if animate:
            drawn = [workflow.animate(results, folder, name, stage=stage, trial=trial, mp4=mp4)]
        else:
            drawn = workflow.draw(results, folder, only=name, report=report)
    for path in drawn:
        console.print(str(path), soft_wrap=True)
