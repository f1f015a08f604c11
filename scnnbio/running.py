"""The front door of a script: an experiment or a study goes in, what it gave comes out."""

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
) -> Run: ...


@overload
def run(
    work: Study,
    backend: str | Backend | None = None,
    progress: bool | Report = True,
    *,
    options: Mapping[str, object] | None = None,
) -> Results: ...


def run(
    work: Experiment | Study,
    backend: str | Backend | None = None,
    progress: bool | Report = True,
    *,
    options: Mapping[str, object] | None = None,
) -> Run | Results:
    """Run an experiment, or every stage of a study.

    Parameters
    ----------
    work : Experiment or Study
    backend : str or Backend, optional
        A name, as ``scnnbio backends`` lists them, with options as ``"nest:threads=2"``; for a
        study also one for each stage, ``"brian2,test=nest"``; or a backend that was made already.
        If not given, the :func:`~scnnbio.backends.fastest.fastest` one that can run ``work`` here,
        as on the command line; the provenance says which it was.
    progress : bool or callable
        If True, show how far the run is: as bars in a terminal and in a notebook, as lines on
        standard error elsewhere. A callable is called instead, as ``report(phase, done, total)``.
    options : mapping of str to object, optional
        Of a backend that is given by name, or chosen.

    Returns
    -------
    Run or Results
        An experiment gives a :class:`~scnnbio.Run`. A study gives
        :class:`~scnnbio.workflow.Results`: ``results["test"]`` is the run of stage ``"test"``, and
        ``results.scores`` are the verdicts on its claims. Nothing is written to disk.

    Raises
    ------
    SpecError
        If there is no such backend or option, or the experiment is wrong on any backend.
    UnsupportedError
        With all that the backend cannot run.
    BackendMissing
        If the backend's simulator or compiler is not installed.
    DataError
        If files that a stimulus shows are missing or damaged.
    """
    if not isinstance(work, Experiment | Study):
        raise SpecError(
            f"an Experiment or a Study is needed, not {type(work).__name__}; scnnbio.load reads a"
            " study from a file",
            where="run",
        )
    with _reporting(progress) as report:
        return _run(work, backend, options, report)


def _run(
    work: Experiment | Study,
    backend: str | Backend | None,
    options: Mapping[str, object] | None,
    report: Report | None,
) -> Run | Results:
    # Claims, fits and backends are loaded when something is run.
    from scnnbio import workflow
    from scnnbio.backends.choices import targets
    from scnnbio.backends.fastest import fastest

    if backend is None:
        backend = fastest(work, options).name
    if isinstance(work, Study):
        return workflow.judge(workflow.execute(work, backend, report, options=options))
    target = targets([work.stage], backend, options)[work.stage]
    if lacking := target.missing():
        raise BackendMissing(lacking, where=f"backend {target.name!r}")
    return target.run(work, report)


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
