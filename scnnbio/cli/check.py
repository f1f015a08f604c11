"""``scnnbio check``."""

from __future__ import annotations

import typer

from scnnbio.cli.common import (
    BackendName,
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    split,
)
from scnnbio.cli.terminal import console
from scnnbio.errors import UnsupportedError
from scnnbio.experiment import load


@app.command()
def check(
    exp: Experiment,
    backend: BackendName = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
) -> None:
    """Check whether a backend can run an experiment, without simulating."""
    from scnnbio import workflow

    ours, options = split(settings or ())
    study = load(exp, profile=profile, seed=seed, settings=ours)
    backend = backend or workflow.fastest(study, options).name
    problems = workflow.check(study, backend, options)
    for problem in problems:
        console.print(str(problem), soft_wrap=True)
    missing = workflow.missing(study, backend, options)
    for line in missing:
        console.print(line, soft_wrap=True)
    if problems or missing:
        raise typer.Exit(UnsupportedError.exit_code)
    trials = sum(e.n_trials for e in study.experiments)
    line = f"{study.name} can run on {backend}: {len(study.stages)} stages, {trials} trials"
    console.print(line, soft_wrap=True)
