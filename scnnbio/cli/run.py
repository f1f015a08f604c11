"""``scnnbio run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scnnbio.cli.common import (
    BackendName,
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    console,
    find,
    fresh_folder,
    print_scores,
    progress,
    split,
)
from scnnbio.experiment import load


@app.command()
def run(
    exp: Experiment,
    backend: BackendName = "brian2",
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the folder if it exists.")] = False,
) -> None:
    """Run an experiment, judge it against published data, and draw the report."""
    from scnnbio import workflow

    ours, options = split(settings or ())
    study = load(find(exp), profile=profile, seed=seed, settings=ours)
    folder = out or fresh_folder(study.name, profile)
    with progress() as report:
        results = workflow.run(
            study, backend, folder, replace=force, report=report, options=options
        )
    print_scores(results.scores)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
