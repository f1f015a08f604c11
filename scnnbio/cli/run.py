"""``scnnbio run``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from scnnbio.cli.common import (
    BackendName,
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    command_line,
    fresh_folder,
    print_scores,
    split,
)
from scnnbio.cli.terminal import console, errors, print_table, progress
from scnnbio.experiment import load


def tell_of_drafts(folder: Path) -> None:
    """Say of runs beside a folder that were cut off how to go on with them."""
    from scnnbio import workflow

    parent = folder.absolute().parent
    for draft, target in workflow.left_behind(parent).items():
        errors.print(
            Text(
                f"{draft} was left by a run that was cut off: 'scnnbio resume {target}' goes on"
                " with it; remove it if nobody will",
                style="yellow",
            ),
            soft_wrap=True,
        )


@contextmanager
def telling_what_is_left(folder: Path) -> Iterator[None]:
    """Let an error say how to go on, if anything was kept to go on from."""
    from scnnbio import workflow

    try:
        yield
    except BaseException as error:
        path = folder.absolute()
        if path in workflow.left_behind(path.parent).values():
            error.add_note(f"what was done is kept: 'scnnbio resume {folder}' goes on from there")
        raise


@app.command()
def run(
    exp: Experiment,
    backend: BackendName = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the folder if it exists.")] = False,
) -> None:
    """Run an experiment, judge it against published data, and draw the report."""
    from scnnbio import workflow

    ours, options = split(settings or ())
    study = load(exp, profile=profile, seed=seed, settings=ours)
    folder = out or fresh_folder(study.name, profile)
    tell_of_drafts(folder)
    chosen = None if backend else workflow.fastest(study, options)
    if chosen is not None:
        errors.print(f"backend: {chosen}", soft_wrap=True)
    with telling_what_is_left(folder), progress() as report:
        results = workflow.run(
            study,
            backend,
            folder,
            replace=force,
            report=report,
            options=options,
            command=command_line(),
        )
    _print_mappings(results.provenance["stages"])
    print_scores(results.scores)
    console.print(f"backend: {results.provenance['backend']}", soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _print_mappings(stages: Mapping[str, Mapping[str, Any]]) -> None:
    """What neuromorphic hardware makes of each stage, where a backend tells it."""
    for stage, provenance in stages.items():
        mapping = provenance.get("mapping", {})
        for part, rows in mapping.items():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict):
                _print_transposed(rows, f"{stage}, ")
            elif isinstance(rows, dict):
                told = ", ".join(f"{key} {value}" for key, value in rows.items())
                console.print(f"{stage}: {part}: {told}", soft_wrap=True)
        for warning in mapping.get("warnings", []):
            errors.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _print_transposed(rows: list[dict[str, Any]], prefix: str) -> None:
    """A column a row, so that many properties fit a terminal; the first names the column."""
    first, *others = dict.fromkeys(key for row in rows for key in row)
    headers = (f"{prefix}{first}", *(str(row[first]) for row in rows))
    print_table(headers, [(key, *(str(row.get(key, "")) for row in rows)) for key in others])
