"""``scnnbio verify``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import app
from scnnbio.cli.terminal import console, errors, progress
from scnnbio.errors import BackendMissing, DataError

if TYPE_CHECKING:
    from scnnbio.verification import Rerun, Verification


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a run or of a sweep.")
    ],
    trials: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Trials of each stage that run again; 0 compares digests only.",
        ),
    ] = 2,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Chooses the trials that run again.")
    ] = 1,
    everything: Annotated[
        bool, typer.Option("--all", help="Run all trials again, and judge the claims again.")
    ] = False,
) -> None:
    """Check that a finished run holds what it wrote: digests, and a sample of trials run again."""
    from scnnbio import sweep, verification

    bad = left_out = 0
    with progress() as report:
        how = {"trials": trials, "seed": seed, "everything": everything, "report": report}
        if os.path.isfile(folder / sweep.SWEEP):
            plan = sweep.Plan.read(folder)
            each: Iterator[tuple[str, Verification]] = (
                (f"point {point.number}: ", found)
                for point, found in sweep.verify_points(plan, **how)  # type: ignore[arg-type]
            )
        else:
            each = iter([("", verification.verify(folder, **how))])  # type: ignore[arg-type]
        for name, found in each:
            _tell(name, found)
            bad += not found.sound
            left_out += not found.whole
    if bad:
        raise typer.Exit(DataError.exit_code)
    if left_out:
        raise typer.Exit(BackendMissing.exit_code)


def _tell(name: str, found: Verification) -> None:
    if found.unfinished:
        _wrong(f"{name}{found.folder}: {found.unfinished}")
        return
    for fault in found.faults:
        file = found.folder / fault.file
        _wrong(f"{name}{file}: {fault.state.value}: {fault.said}")
    if found.digests is None:
        text = f"{name}no digests are stored: an older version of scnnbio wrote this folder"
        errors.print(Text(text, style="yellow"), soft_wrap=True)
    elif not found.faults:
        text = f"{name}{found.digests} files are as the run wrote them"
        console.print(text, soft_wrap=True)
    for one in found.reruns:
        _tell_rerun(name, one)


def _tell_rerun(name: str, one: Rerun) -> None:
    what = f"{name}stage {one.stage!r} on {one.backend}" if one.trials else f"{name}{one.stage}"
    if one.left_out:
        text = f"{what} did not run again: {one.left_out}"
        errors.print(Text(text, style="yellow"), soft_wrap=True)
        return
    which = ", ".join(map(str, one.trials[:5])) + (", ..." if len(one.trials) > 5 else "")
    of = f"trials {which} of {one.n_trials}" if one.trials else f"{one.n_trials} of them"
    if not one.differences:
        console.print(f"{what}: {of} are the same again, to the last bit", soft_wrap=True)
    for line in one.differences:
        _wrong(f"{what}: {of} differ when they run again: {line}")


def _wrong(text: str) -> None:
    errors.print(Text(text, style="red"), soft_wrap=True)
