"""Work on the points of a plan: one process, which any number of others may join."""

from __future__ import annotations

import contextlib
import traceback
import uuid
from collections.abc import Callable

from scnnbio import workflow
from scnnbio.backends._lock import InUse, locked
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import Report
from scnnbio.sweep.plan import Plan, Point
from scnnbio.workflow.drafts import unfinished_runs
from scnnbio.workflow.folder import write_json


def new_round() -> str:
    """Name of one execution of a plan, in which each failed point is tried once."""
    return uuid.uuid4().hex[:12]


def work_on(plan: Plan, point: Point, round_: str, report: Report | None = None) -> bool:
    """Run a point, or resume it where a killed process left it.

    Parameters
    ----------
    plan : Plan
    point : Point
    round_ : str
        From :func:`new_round`. A point that failed in this round is not tried again.
    report : callable, optional
        Called as ``report(phase, done, total)``.

    Returns
    -------
    bool
        Whether there is nothing left to do for it: it is done, or failed in this round. False if
        another process is at work on it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(point.lock))
        except InUse:
            return False
        failed = point.failed()
        if not point.done and failed.get("round") != round_:
            _attempt(plan, point, round_, failed.get("attempts", 0), report)
    return True


def _attempt(plan: Plan, point: Point, round_: str, before: int, report: Report | None) -> None:
    """Try a point; an error is written down, so that the others go on."""
    try:
        unfinished_runs(point.folder)  # removes drafts that cannot be resumed
        if point.unfinished:
            workflow.resume(point.run, report)
        else:
            workflow.run(
                plan.study(point),
                plan.backend,
                point.run,
                report=report,
                options=plan.options,
                command=("scnnbio", "work", str(plan.folder), "--point", str(point.number)),
            )
    except Exception as error:
        known = isinstance(error, ScnnbioError)
        message = str(error) if known else "".join(traceback.format_exception(error)).rstrip()
        write_json(point.failure, {"message": message, "attempts": before + 1, "round": round_})
        return
    point.failure.unlink(missing_ok=True)


def work_through(
    plan: Plan,
    round_: str,
    report: Report | None = None,
    *,
    each: Callable[[], object] | None = None,
) -> None:
    """Work on every point that no other process is at work on, until none is left.

    Parameters
    ----------
    plan : Plan
    round_ : str
        From :func:`new_round`; processes that execute a plan together share it.
    report : callable, optional
    each : callable, optional
        Called after each point for which there is nothing left to do.
    """
    for point in plan.points():
        if work_on(plan, point, round_, report) and each is not None:
            each()
