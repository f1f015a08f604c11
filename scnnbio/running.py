""":func:`run`, which runs an experiment or a study from Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, overload

from scnnbio.errors import BackendMissing, SpecError
from scnnbio.experiment import Experiment, Report, Run, Study

if TYPE_CHECKING:
    from scnnbio.backends import Backend
    from scnnbio.workflow import Results


@overload
def run(
    work: Experiment,
    backend: str | Backend | None = None,
    progress: bool | Report = True,
    *,
    options: Mapping[str, object] | None = None,
    jobs: int = 1,
) -> Run: ...


@overload
def run(
    work: Study,
    backend: str | Backend | None = None,
    progress: bool | Report = True,
    *,
    options: Mapping[str, object] | None = None,
    jobs: int = 1,
) -> Results: ...


def run(
    work: Experiment | Study,
    backend: str | Backend | None = None,
    progress: bool | Report = True,
    *,
    options: Mapping[str, object] | None = None,
    jobs: int = 1,
) -> Run | Results:
    """Run an experiment, or every stage of a study.

    Parameters
    ----------
    work : Experiment or Study
    backend : str or Backend, optional
        A name from ``scnnbio backends``, with options such as ``"nest:threads=2"``; for a study
        also one per stage, ``"brian2,test=nest"``; or an instance of a backend. Default: the
        :func:`~scnnbio.backends.fastest.fastest` that can run ``work`` on this machine, as on the
        command line; the provenance names it.
    progress : bool or callable
        If True, show progress: bars in a terminal and in a notebook, lines on standard error
        elsewhere. A callable is called as ``report(phase, done, total)`` instead.
    options : mapping of str to object, optional
        Options of a backend that is given by name, or by default.
    jobs : int
        Number of processes for stages, and for trials, that do not depend on one another. The
        results are those of one process. A script that asks for more than one must start its work
        under ``if __name__ == "__main__":``, since each process imports it.

    Returns
    -------
    Run or Results
        An experiment gives a :class:`~scnnbio.Run`. A study gives
        :class:`~scnnbio.workflow.Results`: ``results["test"]`` is the run of stage ``"test"``, and
        ``results.scores`` are the verdicts on its claims. Nothing is written to disk.

    Raises
    ------
    SpecError
        If the backend or an option is unknown, or the experiment is wrong, whatever the backend.
    UnsupportedError
        With everything that the backend cannot run.
    BackendMissing
        If the backend's simulator or compiler is not installed.
    DataError
        If files of a stimulus are missing or damaged.
    """
    if not isinstance(work, Experiment | Study):
        raise SpecError(
            f"give an Experiment or a Study, not {type(work).__name__}; scnnbio.load reads a study"
            " from a file",
            where="run",
        )
    with _reporting(progress) as report:
        return _run(work, backend, options, report, jobs)


def _run(
    work: Experiment | Study,
    backend: str | Backend | None,
    options: Mapping[str, object] | None,
    report: Report | None,
    jobs: int,
) -> Run | Results:
    # Imported here, so that importing scnnbio does not load claims, fits and backends.
    from scnnbio import workflow
    from scnnbio.backends.choices import targets
    from scnnbio.backends.fastest import fastest
    from scnnbio.jobs import run_portions

    if backend is None:
        backend = fastest(work, options).name
    if isinstance(work, Study):
        return workflow.judge(workflow.execute(work, backend, report, options=options, jobs=jobs))
    target = targets([work.stage], backend, options)[work.stage]
    if lacking := target.missing():
        raise BackendMissing(lacking, where=f"backend {target.name!r}")
    return run_portions(work, target, report, jobs)


@contextmanager
def _reporting(progress: bool | Report) -> Iterator[Report | None]:
    if progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        from scnnbio import progress as shown

        with shown.progress() as report:
            yield report
