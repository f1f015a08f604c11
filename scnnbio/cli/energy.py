"""``scnnbio energy``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scnnbio.cli.common import Folder, app
from scnnbio.cli.terminal import console, errors, print_table
from scnnbio.errors import SpecError

if TYPE_CHECKING:
    from scnnbio.analysis.energy import Energy
    from scnnbio.analysis.operations import Operations


@app.command()
def energy(
    folder: Folder,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Energies per operation, in place of the published ones."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count the operations of a finished run, and estimate their energy on several machines."""
    from scnnbio import workflow
    from scnnbio.analysis.energy import energy as estimated
    from scnnbio.analysis.energy import machines
    from scnnbio.analysis.operations import operations

    known = machines(table)
    told: dict[str, dict[str, Any]] = {}
    left_out = []
    for stage, run in workflow.load_results(folder).runs.items():
        try:
            counted = operations(run)
        except SpecError as error:
            left_out.append(f"stage {stage!r} is left out: {error.message}")
            continue
        estimates = [estimated(counted, machine) for machine in known.values()]
        told[stage] = {
            "operations": asdict(counted),
            "neurobench": counted.neurobench(),
            "energy": [asdict(one) for one in estimates],
        }
        if not as_json:
            _tell(stage, counted, estimates)
    if not told:
        raise SpecError(left_out[0], where=str(folder))
    for line in left_out:
        errors.print(Text(line), style="yellow", soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    for machine in known.values():
        console.print(Text(f"{machine.title}: {machine.source}"), soft_wrap=True)


def _tell(stage: str, counted: Operations, estimates: list[Energy]) -> None:
    """Print the counts and energies of one stage, per trial."""
    n = counted.n_trials
    console.print(Text(f"stage {stage}: {n} trials, per trial"))
    rows = [
        ("spikes", f"{counted.spikes / n:,.1f}"),
        ("synaptic operations", f"{counted.synaptic / n:,.1f}"),
        ("updates of neurons", f"{counted.updates / n:,.1f}"),
        ("memory read and written (bytes)", f"{counted.memory / n:,.0f}"),
        ("multiplications of the dense equivalent", f"{counted.dense / n:,.0f}"),
        ("its memory (bytes)", f"{counted.dense_memory / n:,.0f}"),
        *((f"NeuroBench: {name}", f"{v:,.4g}") for name, v in counted.neurobench().items()),
    ]
    print_table(("what", "number"), rows)
    print_table(
        ("machine", "spiking", "dense"),
        [
            (one.machine.title, _range(one.spiking), _range(one.dense) if one.dense else "-")
            for one in estimates
        ],
    )


def _range(joules: tuple[float, float]) -> str:
    """Both ends, in the unit that suits the higher one."""
    low, high = joules
    for unit, size in (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("nJ", 1e-9), ("pJ", 1e-12)):
        if high >= size or unit == "pJ":
            break
    both = f"{low / size:.3g}" if low == high else f"{low / size:.3g} to {high / size:.3g}"
    return f"{both} {unit}"
