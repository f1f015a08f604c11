"""``scnnbio compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from scnnbio.cli.common import (
    FAILED,
    STYLES,
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    console,
    errors,
    find,
    fresh_folder,
    progress,
)
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
            help="The first is the reference; NAME:KEY=VALUE gives an option.",
        ),
    ],
    steps: Annotated[
        str, typer.Option("--dt", metavar="MS,...", help="Time steps, on the same input spikes.")
    ] = "",
    stage: Annotated[
        str | None, typer.Option(help="Only this; the reference learns what it starts from.")
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
    """Run an experiment on several backends, and say whether they keep what they promise."""
    from scnnbio import workflow

    study = load(find(exp), profile=profile, seed=seed, settings=settings or ())
    dts = [plain(word, "ms", where="--dt") for word in _words(steps)]
    plan = workflow.plan_comparison(study, _words(names), dts, stage, skip=skip)
    refused = workflow.refusals(plan)
    for (label, variant), reasons in refused.items():
        for reason in reasons:
            where = " at ".join(filter(None, (label, variant)))
            console.print(Text(f"{where}: {reason}"), soft_wrap=True)
    if refused and not skip:
        raise typer.Exit(UnsupportedError.exit_code)
    folder = out or fresh_folder(study.name, "compare")
    with progress() as report:
        result = workflow.run_comparison(study, plan, folder, replace=force, report=report)
    for pair in result.pairs:
        names = f"{pair.reference}, {pair.other}: {pair.stage}, dt = {pair.dt:g} ms"
        console.print(Text(names, style="bold"), soft_wrap=True)
        table = Table("of", "verdict", "why", "promise", box=None)
        for kept in pair.kept:
            verdict = Text(kept.verdict, style=STYLES.get(kept.verdict, "yellow"))
            table.add_row(f"{kept.subject}: {kept.of}", verdict, kept.reason, kept.promise or "-")
        console.print(table)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    if strict and not result.kept:
        why = "nothing was judged: a single backend promises nothing of its own grids; add another"
        errors.print(Text(why, style="red"), soft_wrap=True)
    if strict and (not result.kept or any(kept.verdict != "agrees" for kept in result.kept)):
        raise typer.Exit(FAILED)


def _words(text: str) -> list[str]:
    """What stands between the commas."""
    return [word.strip() for word in text.split(",") if word.strip()]
