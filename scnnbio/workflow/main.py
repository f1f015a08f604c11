"""Check, run, judge and draw a study, as ``scnnbio run`` does."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scnnbio import backends
from scnnbio.analysis.elephants import statistics
from scnnbio.backends.choices import targets
from scnnbio.backends.fastest import fastest
from scnnbio.digests import write_digests
from scnnbio.errors import BackendMissing, SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Experiment, Report, Study
from scnnbio.experiment.documents import continued
from scnnbio.jobs import divided, prepare_early, run_stages, start_server
from scnnbio.jobs import prepare as start_processes
from scnnbio.validation import registry
from scnnbio.validation.fits import Fits
from scnnbio.workflow.drafts import Draft, find_draft, resumable
from scnnbio.workflow.folder import new_folder, write_runs, write_scores
from scnnbio.workflow.origin import origin
from scnnbio.workflow.results import Results

#: What processes import before they are forked.
_MODULES = ("scnnbio.validation.fits", "scnnbio.figures.drawing", "scnnbio.figures.warm")
Options = Mapping[str, Any]
Targets = Mapping[str, backends.Backend]


def check(
    study: Study, backend: str | backends.Backend, options: Options | None = None
) -> list[Unsupported]:
    """Find everything in a study that a backend cannot run, without simulating.

    Parameters
    ----------
    study : Study
    backend : str or Backend
        One backend for all stages; as text also one per stage, see
        :func:`~scnnbio.backends.choices.by_stage`.
    options : mapping of str to object, optional
        Options of the backend.

    Returns
    -------
    list of Unsupported

    Raises
    ------
    SpecError
        If there is no such backend or option, a claim is unknown, or a stimulus does not fit its
        encoding.
    DataError
        If photographs are missing or damaged.
    """
    return _problems(study, _targets(study, backend, options))


def _problems(study: Study, made: Targets) -> list[Unsupported]:
    registry.check(study.claims)
    problems: list[Unsupported] = []
    for experiment in study.experiments:
        # Drawing one trial finds errors in the input of late stages before early ones run.
        draw_one_trial(experiment)
        found = made[experiment.stage].unsupported(experiment)
        # A reason that several stages share is listed once.
        problems += [p for p in found if p not in problems]
    return problems


def missing(
    study: Study, backend: str | backends.Backend, options: Options | None = None
) -> list[str]:
    """Find what must be installed before a study can run.

    Parameters
    ----------
    study : Study
    backend : str or Backend
        As for :func:`check`.
    options : mapping of str to object, optional

    Returns
    -------
    list of str
        One line per backend that lacks something.
    """
    return _not_installed(_targets(study, backend, options))


def _targets(
    study: Study, backend: str | backends.Backend, options: Options | None
) -> dict[str, backends.Backend]:
    return targets([stage.name for stage in study.stages], backend, options)


def _not_installed(made: Targets) -> list[str]:
    return list(dict.fromkeys(text for target in made.values() if (text := target.missing())))


def draw_one_trial(experiment: Experiment) -> None:
    """Draw the input of the first trial, to find errors in it before any run.

    Raises
    ------
    SpecError
        If the stimulus does not fit its encoding.
    DataError
        If photographs are missing or damaged.
    """
    try:
        experiment.input_spikes(0)
    except SpecError as error:
        where = continued(f"stages.{experiment.stage}", error.where)
        raise SpecError(error.message, where=where) from None


def execute(
    study: Study,
    backend: str | backends.Backend,
    report: Report | None = None,
    *,
    options: Options | None = None,
    draft: Draft | None = None,
    jobs: int | None = 1,
    meanwhile: Callable[[], None] | None = None,
) -> Results:
    """Run every stage; later stages start from the weights that earlier ones learned.

    Parameters
    ----------
    study : Study
    backend : str or Backend
        As for :func:`check`.
    report : callable, optional
        Called as ``report(phase, done, total)``.
    options : mapping of str to object, optional
        Options of the backend.
    draft : Draft, optional
        Finished stages to load, and the checkpoint to resume.
    jobs : int, optional
        Number of processes, see :func:`~scnnbio.jobs.run_stages`; none changes the results.
    meanwhile : callable, optional
        Called once while processes run; in one process never.

    Returns
    -------
    Results

    Raises
    ------
    SpecError
        If ``jobs`` is not a whole number of at least 1.
    UnsupportedError
        With everything that the backend cannot run.
    BackendMissing
        If the backend's simulator or compiler is not installed.
    """
    prepare(study, backend, jobs)
    made = _targets(study, backend, options)
    label = backend if isinstance(backend, str) else backend.name
    if problems := _problems(study, made):
        raise UnsupportedError(label, problems)
    if lacking := _not_installed(made):
        raise BackendMissing("; ".join(lacking), where=f"backend {label!r}")
    fits = Fits(study)
    runs = run_stages(study, made, report, draft, jobs, fits, meanwhile)
    return Results(study, runs, measures=fits.measures, report=report)


def prepare(study: Study | None, backend: str | backends.Backend | None, jobs: int | None) -> None:
    """Begin to import what processes will need, if a run of the study will start any.

    Parameters
    ----------
    study : Study or None
        None if it is not read yet, and likely to be large.
    backend : str, Backend or None
        As for :func:`run`.
    jobs : int, optional
    """
    if study is not None:
        start_processes(study, backend, jobs, _MODULES)
    elif not isinstance(backend, backends.Backend):
        prepare_early(backend, jobs, _MODULES)


def judge(results: Results) -> Results:
    """Judge the study's claims.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Results
        The same, with the scores.
    """
    return results.with_scores(registry.judge_all(results.study.claims, results.evidence))


def run(
    study: Study,
    backend: str | None,
    folder: Path,
    *,
    replace: bool = False,
    report: Report | None = None,
    options: Options | None = None,
    command: Sequence[str] = (),
    jobs: int | None = 1,
) -> Results:
    """Run a study, judge and draw it, and write its folder.

    Parameters
    ----------
    study : Study
    backend : str or None
        As for :func:`check`; if None, the :func:`~scnnbio.backends.fastest.fastest` that can run
        the study on this machine.
    folder : Path
        Written completely or not at all.
    replace : bool
        Replace an existing results folder.
    report : callable, optional
    options : mapping of str to object, optional
        Options of the backend.
    command : sequence of str
        Words of the command line, recorded in ``run.json``.
    jobs : int, optional
        Number of processes, see :func:`execute`.

    Returns
    -------
    Results
    """
    prepare(study, backend, jobs)
    chosen = "user" if backend is not None else "scnnbio"
    backend = backend or fastest(study, options).name
    # Wrong options must raise here, before the draft stores them.
    _targets(study, backend, options)
    known = {**origin(study, command), "backend_chosen_by": chosen}
    # The folder is created first, so that no run is lost because it cannot be written.
    with new_folder(folder, replace=replace, keep_draft=resumable) as path:
        draft = Draft(path, study, backend, options or {}, replace, known)
        draft.begin()
        return _run(draft, report, jobs)


def resume(folder: Path, report: Report | None = None, *, jobs: int | None = 1) -> Results:
    """Resume a run that was killed, from its latest checkpoint; its results are the same.

    Parameters
    ----------
    folder : Path
        The results folder, which does not exist yet.
    report : callable, optional
    jobs : int, optional
        Number of processes, see :func:`execute`; it may differ from that of the run.

    Returns
    -------
    Results

    Raises
    ------
    DataError
        If there is nothing to resume, another process is running it, or the experiment or the
        program that simulates it has changed since.
    """
    draft = find_draft(folder)
    with new_folder(folder, replace=draft.replace, draft=draft.path, keep_draft=resumable):
        return _run(draft, report, jobs)


def _run(draft: Draft, report: Report | None, jobs: int | None) -> Results:
    """Run the stages that are left, and write the results folder."""
    path, number = draft.path, divided(draft.study, jobs)
    results = execute(
        draft.study,
        draft.backend,
        report,
        options=draft.options,
        draft=draft,
        jobs=jobs,
        meanwhile=_import_what_follows,
    )
    results = judge(dataclasses.replace(results, origin=draft.origin))
    draft.remove_leftovers()

    def write() -> None:
        write_runs(results, path, results.provenance)
        write_scores(results, path)

    draw(results, path, report=report, jobs=number, meanwhile=write)
    write_digests(path)
    return results


def _import_what_follows() -> None:
    """Import what judges and draws, while processes simulate and this one would wait for them."""
    for module in ("scipy.stats", "scnnbio.figures"):
        importlib.import_module(module)
    statistics()


def draw(
    results: Results,
    folder: Path,
    *,
    only: str | None = None,
    report: Report | None = None,
    jobs: int = 1,
    meanwhile: Callable[[], None] | None = None,
) -> list[Path]:
    """Draw figures into a run's folder, and the report that shows them.

    Figures that are as drawing would give them again are kept as they are.

    Parameters
    ----------
    results : Results
    folder : Path
    only : str, optional
        Name of the only figure to draw, without a report; all figures and the report by default.
    report : callable, optional
    jobs : int
        Number of processes; the files are those of one process.
    meanwhile : callable, optional
        Writes the results into the folder, while processes draw.

    Returns
    -------
    list of Path
        The files of all figures, and the report.

    Raises
    ------
    SpecError
        If there is no figure of that name.
    DataError
        If the results lack what the figure ``only`` shows, the folder cannot be written, or a
        process was killed.
    """
    # Imported here, since only this needs matplotlib.
    from scnnbio.figures.drawing import draw

    if jobs > 1:
        start_server(_MODULES)
    return draw(results, folder, only=only, report=report, jobs=jobs, meanwhile=meanwhile)
