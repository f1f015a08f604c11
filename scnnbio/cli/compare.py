"""``scnnbio compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import (
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    command_line,
    default_folder,
    verdict_text,
)
from scnnbio.cli.ending import FAILED
from scnnbio.cli.terminal import console, errors, print_table, progress
from scnnbio.errors import UnsupportedError
from scnnbio.experiment import load
from scnnbio.units import plain


@app.command("compare")
def compare_(
    exp: Experiment,
    names: Annotated[
        str,
        typer.Option(
            "--backends",
            metavar="A,B,...",
            help="Backends to compare, the reference first; NAME:KEY=VALUE sets an option.",
        ),
    ],
    steps: Annotated[
        str, typer.Option("--dt", metavar="MS,...", help="Time steps, with the same input spikes.")
    ] = "",
    stage: Annotated[
        str | None,
        typer.Option(
            help="Compare this stage only; earlier stages run once, on the first backend."
        ),
    ] = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an older comparison.")] = False,
    skip: Annotated[
        bool, typer.Option("--skip-unsupported", help="Leave out backends that cannot run it.")
    ] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 4 if a promise is not kept.")] = False,
) -> None:
    """Run an experiment on several backends, and judge whether they agree as promised."""
    from scnnbio import comparison

    study = load(exp, profile=profile, seed=seed, settings=settings or ())
    dts = [plain(word, "ms", where="--dt") for word in _words(steps)]
    plan = comparison.plan_comparison(study, _words(names), dts, stage, skip=skip)
    refused = comparison.refusals(plan)
    for (label, variant), reasons in refused.items():
        for reason in reasons:
            where = " at ".join(filter(None, (label, variant)))
            errors.print(f"{'left out' if skip else 'error'}: {where}: {reason}", soft_wrap=True)
    if refused and not skip:
        raise typer.Exit(UnsupportedError.exit_code)
    folder = out or default_folder(study.name, "compare")
    with progress() as report:
        result = comparison.run_comparison(
            study, plan, folder, replace=force, report=report, command=command_line()
        )
    for pair in result.pairs:
        names = f"{pair.reference}, {pair.other}: {pair.stage}, dt = {pair.dt:g} ms"
        console.print(Text(names, style="bold"), soft_wrap=True)
        rows = [
            (f"{one.subject}: {one.of}", verdict_text(one.verdict), one.reason, one.promise or "-")
            for one in pair.verdicts
        ]
        print_table(("of", "verdict", "why", "promise"), rows)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    if strict and not result.verdicts:
        why = "nothing was judged: a backend makes no promise about its own time steps; add another"
        errors.print(Text(why, style="red"), soft_wrap=True)
    agreed = [one.verdict == "agrees" for one in result.verdicts]
    if strict and not (agreed and all(agreed)):
        raise typer.Exit(FAILED)


def _words(text: str) -> list[str]:
    """Words between the commas."""
    return [word.strip() for word in text.split(",") if word.strip()]
