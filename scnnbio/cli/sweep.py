"""``scnnbio sweep``, ``scnnbio work`` and ``scnnbio collect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import (
    BackendName,
    Experiment,
    Profile,
    Seed,
    Settings,
    app,
    split,
)
from scnnbio.cli.terminal import console, errors, progress
from scnnbio.errors import SpecError
from scnnbio.experiment import load

if TYPE_CHECKING:
    from scnnbio.sweep import Point

PlanFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep.")]


@app.command("sweep")
def sweep_(
    exp: Experiment,
    plan: Annotated[Path, typer.Option("--plan", metavar="DIR", help="Folder for the plan.")],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B,...",
            help="A dotted path into the experiment, or one of its options, and its values; every"
            " combination of all keys is a point.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of seeds of each combination.")
    ] = 1,
    backend: BackendName = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
) -> None:
    """Write a plan: a folder for each point of a grid, with several seeds."""
    from scnnbio import sweep

    ours, options = split(settings or ())
    study = load(exp, profile=profile, seed=seed, settings=ours)
    written = sweep.Plan.write(
        study, plan, grid=grid or (), seeds=seeds, backend=backend, options=options
    )
    console.print(f"{len(written)} points on {written.backend} in {plan}", soft_wrap=True)
    console.print(f"execute it: scnnbio work {plan} --jobs N", soft_wrap=True)


@app.command()
def work(
    folder: PlanFolder,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of processes on this machine.")
    ] = 1,
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Scheduler of a Dask cluster that sees DIR.")
    ] = "",
    sbatch: Annotated[
        str | None,
        typer.Option(metavar="OPTIONS", help="Submit an array of Slurm, with these options."),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="With --sbatch: MPI processes per point, by srun."),
    ] = 1,
    point: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Run this point only, from 1.")
    ] = None,
    round_: Annotated[str, typer.Option("--round", hidden=True)] = "",
) -> None:
    """Execute a plan; finished points are passed over, and failed ones are tried again."""
    from scnnbio import sweep
    from scnnbio.sweep.executors import finished
    from scnnbio.sweep.working import new_round

    plan = sweep.Plan.read(folder)
    chosen = [bool(dask), sbatch is not None, point is not None, jobs > 1]
    if sum(chosen) > 1:
        raise SpecError("give one of --jobs, --dask, --sbatch and --point", where="work")
    if sbatch is not None:
        script, said = sweep.on_slurm(plan, sbatch, processes)
        console.print(said or str(script), soft_wrap=True)
        return
    if point is not None:
        one = plan.point(point)
        if not sweep.work_on(plan, one, round_ or new_round()):
            errors.print(f"point {point}: another process is at work on it", soft_wrap=True)
        failed = [one] if one.failed() and not one.done else []
    elif round_:
        # One of several processes that execute the plan together: the first one reports.
        sweep.work_through(plan, round_)
        return
    else:
        with progress() as report:
            if dask:
                failed = sweep.on_dask(plan, dask, report)
            else:
                failed = sweep.on_this_machine(plan, jobs, report)
        done, _ = finished(plan, "")
        console.print(f"{done} of {len(plan)} points are done", soft_wrap=True)
    _end_with(failed, folder)


def _end_with(failed: list[Point], folder: Path) -> None:
    """List the points that failed, and exit with 4 if there are any."""
    from scnnbio.sweep import executors

    for one in failed:
        known = one.failed()
        last = str(known.get("message", "")).strip().splitlines()[-1:]
        text = f"point {one.number} ({one.said}) failed: "
        errors.print(Text(text + "".join(last), style="red"), soft_wrap=True)
    if failed:
        errors.print(f"try them again: scnnbio work {folder}", soft_wrap=True)
        raise typer.Exit(executors.FAILED)


@app.command()
def collect(
    folder: PlanFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .csv or .parquet file. Default: results.csv in the folder."
        ),
    ] = None,
) -> None:
    """Collect the results of all points of a sweep in one table."""
    from scnnbio import sweep
    from scnnbio.sweep.collecting import write_table

    plan = sweep.Plan.read(folder)
    table = sweep.collect(plan)
    path = write_table(table, out or folder / "results.csv")
    counts = table.drop_duplicates("point")["status"].value_counts()
    console.print(", ".join(f"{n} {status}" for status, n in counts.items()), soft_wrap=True)
    console.print(f"table: {path}", soft_wrap=True)
