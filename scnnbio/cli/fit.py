"""``scnnbio fit``."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from scnnbio.cli.common import app, command_line, completions, default_folder
from scnnbio.cli.explain import neuron_named
from scnnbio.cli.terminal import console, errors, print_table, progress
from scnnbio.errors import SpecError
from scnnbio.experiment import documents
from scnnbio.neurons import LIBRARY

if TYPE_CHECKING:
    from scnnbio.fitting import Fit, Scores, SweepScore


@app.command("fit")
def fit_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A neuron of the library, or a TOML file that describes one.",
            autocompletion=completions(lambda: LIBRARY),
        ),
    ],
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="RECORDING",
            help="Current clamp in an NWB file, or in a CSV or npz file with columns such as"
            " time_ms, current_pA and potential_mV.",
        ),
    ],
    free: Annotated[str, typer.Option(metavar="NAME,...", help="Parameters to fit.")],
    bounds: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LOW..HIGH", help="Where a parameter is searched."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter that is not fitted."),
    ] = None,
    sweeps: Annotated[
        str, typer.Option(metavar="NAME,...", help="Sweeps to use. Default: all.")
    ] = "",
    window: Annotated[
        str, typer.Option(metavar="BEGIN..END", help="Part of each sweep to use, in ms.")
    ] = "",
    test: Annotated[
        str, typer.Option(metavar="NAME,...", help="Sweeps that are held out, in place of folds.")
    ] = "",
    folds: Annotated[
        int | None,
        typer.Option(min=1, help="Parts for cross-validation; 1 for none. Default: 3."),
    ] = None,
    kind: Annotated[str, typer.Option("--objective", help="both, coincidence or trace.")] = "both",
    coincidence: Annotated[
        str, typer.Option(metavar="MS", help="Largest distance of coincident spikes.")
    ] = "2 ms",
    spike: Annotated[
        str, typer.Option(metavar="MV", help="Potential whose crossing marks a recorded spike.")
    ] = "-20 mV",
    cut: Annotated[
        str,
        typer.Option(
            metavar="BEFORE..AFTER",
            help="Times around a recorded spike that do not count in the trace, in ms.",
        ),
    ] = "2..5",
    dt: Annotated[
        str | None,
        typer.Option("--dt", metavar="MS", help="Step. Default: at least 0.1 ms."),
    ] = None,
    population: Annotated[
        int, typer.Option(min=2, help="Candidates per free parameter and generation.")
    ] = 12,
    generations: Annotated[int, typer.Option(min=1, help="Generations, at most.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Of the search and of the folds.")] = 1,
    port: Annotated[
        str, typer.Option(metavar="NAME", help="Parameter that takes the current.")
    ] = "",
    backend: Annotated[
        str | None,
        typer.Option("--backend", "-b", metavar="NAME", help="Default: the fastest one here."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the fit.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an older fit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit a neuron to a recording in current clamp, and judge it by sweeps that it did not see."""
    from scnnbio import fitting
    from scnnbio.cli.fitted import MARKER, fill_fit
    from scnnbio.recording import read_sweeps
    from scnnbio.workflow.folder import new_folder

    neuron = neuron_named(model)
    begin_end: Any = _ends(window, "--window") if window else None
    found = read_sweeps(recording, _words(sweeps), begin_end)
    fixed = dict(documents.setting(text) for text in settings or ())
    ranges: dict[str, Any] = {}
    for text in bounds or ():
        name, equals, interval = text.partition("=")
        if not equals:
            raise SpecError(f"{text!r} is not NAME=LOW..HIGH", where="--bounds")
        ranges[name.strip()] = _ends(interval, "--bounds")
    objective = fitting.Objective(kind, coincidence, spike, _ends(cut, "--cut"))  # type: ignore[arg-type]
    folder = out or default_folder(f"fit-{neuron.name}", recording.stem)
    # The folder is created first, so that no fit is lost because it cannot be written.
    with new_folder(folder, replace=force, marker=MARKER) as draft:
        with progress() as report:
            result = fitting.fit(
                neuron,
                found,
                _words(free),
                bounds=ranges,
                fixed=fixed,
                objective=objective,
                search=fitting.Search(population, generations, seed=seed),
                folds=folds,
                test=_words(test),
                dt=dt,  # type: ignore[arg-type]
                port=port,
                backend=backend,
                report=report,
            )
        fill_fit(draft, result, files=[recording], command=command_line())
    for name in result.at_bounds:
        errors.print(
            Text(f"warning: {name} is at an end of its bounds; widen them", style="yellow"),
            soft_wrap=True,
        )
    if as_json:
        sys.stdout.write(json.dumps(result.report(), indent=2) + "\n")
        return
    _tell(result)
    console.print(f"fit: {folder}", soft_wrap=True)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _ends(text: str, where: str) -> tuple[Any, Any]:
    """Two ends of an interval, each a number or a quantity."""
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not (low and dots and high):
        raise SpecError(f"{text!r} is not LOW..HIGH", where=where)
    return low, high


def _tell(result: Fit) -> None:
    rows = []
    for one in result.free:
        folds = [fold.values[one.name] for fold in result.folds]
        rows.append(
            (
                one.name,
                f"{result.values[one.name]:.5g} {one.unit}",
                f"{one.low:.4g} to {one.high:.4g}",
                f"{min(folds):.5g} to {max(folds):.5g}" if folds else "-",
            )
        )
    print_table(("parameter", "value", "searched", "in folds"), rows)
    sets = [("fitted", result.train), *([("held out", result.test)] if result.test else [])]
    lines: list[tuple[str, ...]] = []
    for label, scores in sets:
        lines += [_line(label, sweep.name, sweep) for sweep in scores.sweeps]
        lines.append(_line(label, "all", scores))
    print_table(
        ("", "sweep", "spikes", "of the model", "coincidence factor", "trace error (mV)",
         "explained variance"),
        lines,
    )  # fmt: skip
    if not math.isnan(result.reliability):
        console.print(f"coincidence factor of repeated sweeps: {result.reliability:.3f}")


def _line(label: str, name: str, scores: Scores | SweepScore) -> tuple[str, ...]:
    from scnnbio.fitting import Scores

    rows = scores.sweeps if isinstance(scores, Scores) else (scores,)
    measures = (scores.coincidence_factor, scores.trace_error, scores.explained_variance)
    return (
        label,
        name,
        str(sum(row.spikes for row in rows)),
        str(sum(row.model_spikes for row in rows)),
        *("-" if math.isnan(value) else f"{value:.3f}" for value in measures),
    )
