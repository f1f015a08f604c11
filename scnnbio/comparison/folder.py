"""The folder of a comparison: ``compare.json``, recordings, figures and an HTML report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scnnbio.comparison.plan import Comparison, PairResult, Plan, Sweep
from scnnbio.comparison.run import compare
from scnnbio.experiment import Report, Run, Study
from scnnbio.workflow.drafts import unfinished_runs
from scnnbio.workflow.folder import new_folder, write_json
from scnnbio.workflow.origin import Origin, origin

#: File that identifies the folder of a comparison.
MARKER = "compare.json"


def write_comparison(
    result: Comparison, folder: Path, report: Report | None = None, known: Origin | None = None
) -> None:
    """Write all results of a comparison.

    Parameters
    ----------
    result : Comparison
    folder : Path
        An existing folder.
    report : callable, optional
    known : mapping, optional
        Date, command and files of the run; see :mod:`scnnbio.workflow.origin`.

    Raises
    ------
    DataError
        If something cannot be written.
    """
    # Imported here, since only this needs matplotlib.
    from scnnbio.comparison.report import comparison_figures, summary, tables
    from scnnbio.figures import Picture, render_report, save

    write_json(folder / MARKER, {**(known or {}), **comparison_table(result)})
    result.study.save(folder / "experiment.toml")
    recordings = folder / "recordings"
    recordings.mkdir()
    for (label, variant, stage), run in result.distinct_runs():
        parts = (stage, label.replace(":", "-").replace("/", "-"), variant.replace(" ", ""))
        run.recording.save(recordings / ("_".join(filter(None, parts)) + ".h5"))
    figures: dict[str, Picture] = {}
    for name, title, caption, figure in comparison_figures(result):
        png, *_ = save(figure, folder / "figures", name)
        figures[name] = Picture(png, caption, title)
        if report is not None:
            report("drawing figures", len(figures), len(figures))
    render_report(
        folder / "report.html",
        title=f"{result.study.title or result.study.name}: backends compared",
        scores=None,
        provenance={**(known or {}), **_provenance(result)},
        figures=figures,
        tables=tables(result),
        summary=summary(result),
    )


def run_comparison(
    study: Study,
    plan: Plan,
    folder: Path,
    *,
    replace: bool = False,
    report: Report | None = None,
    command: Sequence[str] = (),
) -> Comparison:
    """Compare backends, and write the folder of the comparison.

    Parameters
    ----------
    study : Study
    plan : Plan
    folder : Path
        Written whole or not at all.
    replace : bool
        Replace the folder of an older comparison.
    report : callable, optional
    command : sequence of str
        Words of the command line, recorded in ``compare.json``.

    Returns
    -------
    Comparison

    Raises
    ------
    UnsupportedError
        As :func:`~scnnbio.comparison.run.compare`.
    DataError
        If the folder cannot be written.
    """
    # The folder is created first, so that no run is lost because it cannot be written.
    unfinished_runs(folder.absolute().parent)
    known = origin(study, command)
    with new_folder(folder, replace=replace, marker=MARKER) as draft:
        result = compare(study, plan, report)
        write_comparison(result, draft, report, known)
    return result


def comparison_table(result: Comparison) -> dict[str, Any]:
    """All measures, as plain values for ``compare.json``."""
    return {
        **_provenance(result),
        "settings": dataclasses.asdict(result.plan.settings),
        "refused": [
            {"backend": label, "dt": variant, "reasons": [dataclasses.asdict(r) for r in reasons]}
            for (label, variant), reasons in result.refused.items()
        ],
        "pairs": [_pair(pair) for pair in result.pairs],
        "sweeps": [_sweep(sweep) for sweep in result.sweeps],
    }


def _provenance(result: Comparison) -> dict[str, Any]:
    runs = dict(result.distinct_runs())
    versions: dict[str, str] = {}
    for run in runs.values():
        versions |= run.provenance["versions"]
    return {
        "study": result.study.name,
        "title": result.study.title,
        "seed": result.study.seed,
        "reference": result.plan.choices[0].label,
        "input": " and ".join(
            sorted({f"drawn every {_input_dt(run):g} ms" for run in runs.values()})
        ),
        "versions": versions,
        "runs": {
            " ".join(filter(None, place)): {
                "backend": run.provenance["backend"],
                "options": dict(run.provenance["options"]),
                "dt": run.experiment.dt,
                "pathways": dict(run.provenance["pathways"]),
                "wall_seconds": dict(run.provenance["wall_seconds"]),
                "input_spikes": run.provenance["input_spikes"],
                "output_spikes": dict(run.provenance["output_spikes"]),
            }
            for place, run in runs.items()
        },
    }


def _input_dt(run: Run) -> float:
    return run.experiment.input_dt or run.experiment.dt


def _pair(pair: PairResult) -> dict[str, Any]:
    return {
        "stage": pair.stage,
        "dt": pair.dt,
        "reference": pair.reference,
        "other": pair.other,
        "populations": {name: found.to_dict() for name, found in pair.agreements.items()},
        "promises": [verdict.to_dict() for verdict in pair.verdicts],
        "first_differences": [dataclasses.asdict(first) for first in pair.first_differences],
    }


def _sweep(sweep: Sweep) -> dict[str, Any]:
    found = sweep.convergence
    return {
        "stage": sweep.stage,
        "backend": sweep.backend,
        "exact": sweep.exact,
        "population": found.population,
        "spikes": found.spikes,
        "dt": found.dt.tolist(),
        "median": found.median.tolist(),
        "upper": found.upper.tolist(),
        "same_counts": [None if math.isnan(v) else v for v in found.same_counts.tolist()],
        "rate": [statistic.to_dict() for statistic in sweep.rates],
    }
