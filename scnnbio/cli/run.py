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
    Jobs,
    Profile,
    Seed,
    Settings,
    app,
    command_line,
    default_folder,
    print_scores,
    split,
)
from scnnbio.cli.terminal import console, errors, print_table, progress
from scnnbio.experiment import load


def warn_of_unfinished_runs(folder: Path) -> None:
    """Warn of unfinished runs in the same parent folder, and say how to resume them."""
    from scnnbio import workflow
    from scnnbio.workflow.folder import place_of

    parent = place_of(folder).parent
    for draft, target in workflow.unfinished_runs(parent).items():
        errors.print(
            Text(
                f"{draft} holds an unfinished run: resume it with 'scnnbio resume {target}', or"
                " remove the folder",
                style="yellow",
            ),
            soft_wrap=True,
        )


@contextmanager
def mention_resume(folder: Path) -> Iterator[None]:
    """Add to an error how to resume the run, if it left a checkpoint or a finished stage."""
    from scnnbio import workflow
    from scnnbio.workflow.folder import place_of

    try:
        yield
    except BaseException as error:
        path = place_of(folder)
        if path in workflow.unfinished_runs(path.parent).values():
            error.add_note(f"finished parts are kept: resume with 'scnnbio resume {folder}'")
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
    jobs: Jobs = None,
) -> None:
    """Run an experiment, judge it against published data, and draw the report."""
    from scnnbio import workflow

    workflow.prepare(None, backend, jobs)
    ours, options = split(settings or ())
    study = load(exp, profile=profile, seed=seed, settings=ours)
    workflow.prepare(study, backend, jobs)
    folder = out or default_folder(study.name, profile)
    warn_of_unfinished_runs(folder)
    chosen = None if backend else workflow.fastest(study, options)
    if chosen is not None:
        errors.print(f"backend: {chosen}", soft_wrap=True)
    with mention_resume(folder), progress() as report:
        results = workflow.run(
            study,
            backend,
            folder,
            replace=force,
            report=report,
            options=options,
            command=command_line(),
            jobs=jobs,
        )
    _print_mappings(results.provenance["stages"])
    print_scores(results.scores)
    console.print(f"backend: {results.provenance['backend']}", soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def _print_mappings(stages: Mapping[str, Mapping[str, Any]]) -> None:
    """Print how each stage is mapped to neuromorphic hardware, where a backend reports it."""
    for stage, provenance in stages.items():
        mapping = provenance.get("mapping", {})
        for part, rows in mapping.items():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict):
                _print_transposed(rows, f"{stage}, ")
            elif isinstance(rows, dict):
                values = ", ".join(f"{key} {value}" for key, value in rows.items())
                console.print(f"{stage}: {part}: {values}", soft_wrap=True)
        for warning in mapping.get("warnings", []):
            errors.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _print_transposed(rows: list[dict[str, Any]], prefix: str) -> None:
    """Print a transposed table, so that many properties fit a terminal."""
    first, *others = dict.fromkeys(key for row in rows for key in row)
    headers = (f"{prefix}{first}", *(str(row[first]) for row in rows))
    print_table(headers, [(key, *(str(row.get(key, "")) for row in rows)) for key in others])
