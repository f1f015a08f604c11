"""``scnnbio figures``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scnnbio.cli.common import Folder, Jobs, app
from scnnbio.cli.terminal import console, progress
from scnnbio.digests import update_digests
from scnnbio.errors import SpecError
from scnnbio.jobs import divided

if TYPE_CHECKING:
    from scnnbio.workflow import Results


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
    jobs: Jobs = None,
) -> None:
    """Draw the figures of a finished run that changed, one of them anew, or animate it."""
    from scnnbio import workflow

    if not animate and (stage is not None or trial is not None or mp4):
        raise SpecError("--stage, --trial and --mp4 are of an animation; add --animate")
    with progress() as report:
        results = workflow.load_results(folder, report)
        if animate:
            drawn = [_animated(results, folder, name, stage, trial, mp4)]
        else:
            number = divided(results.study, jobs)
            drawn = workflow.draw(results, folder, only=name, report=report, jobs=number)
    for path in drawn:
        console.print(str(path), soft_wrap=True)


def _animated(
    results: Results,
    folder: Path,
    name: str | None,
    stage: str | None,
    trial: int | None,
    mp4: bool,
) -> Path:
    """Write an animation into the folder of a run."""
    from scnnbio import figures as drawing

    if name is None:
        known = ", ".join(drawing.ANIMATIONS)
        raise SpecError(f"say what to animate, one of {known}", where="--animate")
    made = drawing.animate(name, results, stage=stage, trial=trial)
    path = drawing.save_animation(made, folder / "figures", name, mp4=mp4)
    update_digests(folder, [path])
    return path
