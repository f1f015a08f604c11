"""Verify every point of a sweep."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

from scnnbio.errors import ScnnbioError
from scnnbio.experiment import Report, load
from scnnbio.sweep.plan import Plan, Point
from scnnbio.verification import Fault, State, Verification, verify


def verify_points(
    plan: Plan,
    *,
    trials: int = 2,
    seed: int = 1,
    everything: bool = False,
    report: Report | None = None,
) -> Iterator[tuple[Point, Verification]]:
    """Verify the results of each point, and that they are of the plan's experiment.

    Parameters
    ----------
    plan : Plan
    trials, seed, everything, report
        As for :func:`~scnnbio.verification.verify`.

    Yields
    ------
    point : Point
    found : Verification
        A point that is not done is unfinished.
    """
    for number, point in enumerate(plan.points()):
        if report is not None:
            report("points", number, len(plan))
        if not os.path.exists(point.run):
            yield point, Verification(point.run, unfinished=f"is {point.status().value}")
            continue
        try:
            found = verify(
                point.run, trials=trials, seed=seed, everything=everything, report=report
            )
        except ScnnbioError as error:
            fault = Fault("", State.DAMAGED, error.message)
            yield point, Verification(point.run, faults=(fault,))
            continue
        other = tuple(_other_experiment(plan, point))
        yield point, dataclasses.replace(found, faults=(*found.faults, *other))


def _other_experiment(plan: Plan, point: Point) -> Iterator[Fault]:
    """A point whose results are of another experiment than the plan has there."""
    try:
        ran = load(point.run / "experiment.toml")
    except ScnnbioError:
        return  # named by its digest
    try:
        wanted = plan.study(point)
    except ScnnbioError as error:
        yield Fault(
            "experiment.toml", State.EDITED, f"it cannot be compared with the plan: {error}"
        )
        return
    if [e.digest() for e in ran.experiments] != [e.digest() for e in wanted.experiments]:
        said = "it is not the experiment that the plan has at this point"
        yield Fault("experiment.toml", State.EDITED, said)
