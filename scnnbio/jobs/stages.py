"""Run the stages of a study, one after another or side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from scnnbio.analysis.learned import learned
from scnnbio.backends import Backend, before_forks, processes
from scnnbio.experiment import Experiment, Report, Run, Stage, Study
from scnnbio.experiment.portions import Portion, independent, joined, portions
from scnnbio.jobs.crew import (
    Crew,
    Simulation,
    Task,
    checked_jobs,
    start_server,
    stop_server,
    usable_cores,
    worth_a_process,
)

Targets = Mapping[str, Backend]
#: Whether the server was started before it was known whether anything needs it.
_early = threading.Event()


class Kept(Protocol):
    """Where finished stages and checkpoints are kept until a run is complete."""

    def load(self, experiment: Experiment) -> Run | None:
        """The run of a finished stage, or None."""

    def save(self, run: Run) -> None:
        """Store a finished stage, and remove its checkpoints."""

    def checkpoint(self, stage: str) -> Path:
        """Folder for the checkpoints of a stage, created if absent."""


class Followers(Protocol):
    """Tasks that begin when a stage is finished, while others run."""

    def after(self, run: Run) -> Sequence[Task]:
        """Tasks that follow a stage."""

    def take(self, task: Task, found: Any) -> None:
        """Take the result of one of them."""


def run_stages(
    study: Study,
    targets: Targets,
    report: Report | None = None,
    draft: Kept | None = None,
    jobs: int | None = 1,
    followers: Followers | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, Run]:
    """Run every stage; later stages start from the weights that earlier ones learned.

    Stages that need nothing from one another, and the trials of a stage that do not affect one
    another, run side by side in processes, with the results of one process to the last bit.

    Parameters
    ----------
    study : Study
    targets : mapping of str to Backend
        By stage.
    report : callable, optional
        Called as ``report(phase, done, total)``.
    draft : Kept, optional
        Finished stages to load, and the checkpoints to resume.
    jobs : int, optional
        Number of processes; None for one per core that may be used, and one process alone where
        the study is so small that others would not save time.
    followers : Followers, optional
        What follows a stage; in one process nothing does.
    meanwhile : callable, optional
        Called once, when the first processes run; in one process never.

    Returns
    -------
    dict of str to Run
        In the order of the stages.
    """
    number = _processes(study, jobs, {name: one.forks for name, one in targets.items()})
    if number > 1:
        modules = [type(target).__module__ for target in targets.values() if target.forks]
        start_server(modules)
        return _in_processes(study, targets, report, draft, number, followers, meanwhile)
    runs: dict[str, Run] = {}
    for stage in study.stages:
        experiment = stage.ready(runs)
        done = None if draft is None else draft.load(experiment)
        if done is None:
            place = _checkpoint(draft, experiment)
            done = targets[stage.name].run(experiment, _of(stage, report), checkpoint=place)
            if draft is not None:
                draft.save(done)
        runs[stage.name] = done
        _say_learned(done, report)
    return runs


def prepare(
    study: Study, backend: str | Backend | None, jobs: int | None, modules: Sequence[str] = ()
) -> int:
    """Begin to import what processes need, if there will be any.

    Parameters
    ----------
    study : Study
    backend : str, Backend or None
        As the user names it.
    jobs : int, optional
        As for :func:`run_stages`.
    modules : sequence of str
        What else they need; none that starts a simulator or a thread.

    Returns
    -------
    int
        Number of processes for work that can always be divided, such as figures.
    """
    if isinstance(backend, Backend):
        first = [type(backend).__module__] if backend.forks else []
    else:
        first = before_forks(backend)
    number = divided(study, jobs, forks=bool(first))
    if number > 1:
        start_server([*first, *modules])
    elif _early.is_set():
        stop_server()
    _early.clear()
    return number


def prepare_early(backend: str | None, jobs: int | None, modules: Sequence[str] = ()) -> None:
    """Begin to import what processes need before the study is known, which takes as long.

    Only for backends that are imported before a fork, and in a process of ours: for a small study,
    :func:`prepare` ends the server.

    Parameters
    ----------
    backend : str or None
        As the user names it.
    jobs : int, optional
    modules : sequence of str
        As for :func:`prepare`.
    """
    number = usable_cores() if jobs is None else jobs
    first = before_forks(backend)
    if first and number > 1 and processes.commanded().size == 1:
        start_server([*first, *modules])
        _early.set()


def divided(study: Study, jobs: int | None, *, forks: bool = True) -> int:
    """Number of processes for work on a study that can always be divided.

    Parameters
    ----------
    study : Study
    jobs : int, optional
        None for one per core, where a stage is large.
    forks : bool
        Whether they find their simulator imported.

    Returns
    -------
    int

    Raises
    ------
    SpecError
        If ``jobs`` is not a whole number of at least 1.
    """
    number = usable_cores() if jobs is None else checked_jobs(jobs)
    if processes.commanded().size > 1:
        return 1
    large = jobs is not None or any(worth_a_process(e, forks=forks) for e in study.experiments)
    return number if large else 1


def _processes(study: Study, jobs: int | None, forks: Mapping[str, bool]) -> int:
    """Number of processes; 1 where nothing can run side by side, or gains nothing by it."""
    number = usable_cores() if jobs is None else checked_jobs(jobs)
    large = [
        s
        for s in study.stages
        if jobs is not None or worth_a_process(s.experiment, forks=forks[s.name])
    ]
    # Started by MPI, a backend divides a network over the processes itself.
    if processes.commanded().size == 1 and _side_by_side(large):
        return number
    return 1


def run_portions(
    experiment: Experiment, target: Backend, report: Report | None = None, jobs: int = 1
) -> Run:
    """Run one experiment, whose trials are divided over processes if they are independent.

    Parameters
    ----------
    experiment : Experiment
    target : Backend
    report : callable, optional
    jobs : int
        Number of processes.

    Returns
    -------
    Run
    """
    if checked_jobs(jobs) == 1 or not _divides(experiment):
        return target.run(experiment, report)
    study = Study("portions", (Stage(experiment, experiment.network),))
    return run_stages(study, {experiment.stage: target}, report, jobs=jobs)[experiment.stage]


def _of(stage: Stage, report: Report | None) -> Report | None:
    """Report of a stage, which adds its name to the phases."""
    if report is None:
        return None
    whole = report
    return lambda phase, done, total: whole(f"{phase} ({stage.name})", done, total)


def _say_learned(run: Run, report: Report | None) -> None:
    """Report what a stage learned, in one line each."""
    if report is not None:
        for state in learned(run):
            report(f"learned {state} ({run.experiment.stage})", 1, 1)


def _side_by_side(stages: Sequence[Stage]) -> bool:
    """Whether anything in these stages can run side by side."""
    starts = [stage.weights_from for stage in stages]
    return len(set(starts)) < len(starts) or any(_divides(stage.experiment) for stage in stages)


def _checkpoint(draft: Kept | None, experiment: Experiment) -> Path | None:
    """Folder for the checkpoints of a stage, or within it of a portion."""
    if draft is None:
        return None
    place = draft.checkpoint(experiment.stage)
    if isinstance(experiment, Portion):
        place /= f"{experiment.first}-{experiment.count}"
        place.mkdir(exist_ok=True)
    return place


def _divides(experiment: Experiment) -> bool:
    return experiment.n_trials > 1 and independent(experiment)


#: By stage: its experiment, the runs of its portions by their place, and how many there are.
_Begun = dict[str, tuple[Experiment, dict[int, Run], int]]


def _in_processes(
    study: Study,
    targets: Targets,
    report: Report | None,
    draft: Kept | None,
    jobs: int,
    followers: Followers | None,
    meanwhile: Callable[[], None] | None,
) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    ready: list[Task] = []
    following: list[Task] = []  # stages come first, since others may wait for them
    waiting = list(study.stages)
    begun: _Begun = {}

    def finish(run: Run) -> None:
        runs[run.experiment.stage] = run
        if followers is not None:
            following.extend(followers.after(run))

    def make_ready() -> None:
        for stage in [s for s in waiting if s.weights_from is None or s.weights_from in runs]:
            waiting.remove(stage)
            experiment = stage.ready(runs)
            if draft is not None and (done := draft.load(experiment)) is not None:
                finish(done)
                continue
            tasks = _simulations(experiment, targets[stage.name], draft, jobs)
            begun[stage.name] = experiment, {}, len(tasks)
            ready.extend(tasks)

    def take(task: Task, found: Any) -> None:
        """Take the result of a task. No name outlives this, so that joined portions are freed."""
        if not waiting:  # no other stage may be ready now, and go first
            crew.start_from(ready, following)
        if not isinstance(task, Simulation):
            _taken(followers, task, found)
            return
        run = _completed(begun, task, found)
        if run is not None:
            finish(_saved(run, draft))
            _say_learned(run, report)

    with Crew(jobs, report, meanwhile) as crew:
        while True:
            before = len(runs)
            make_ready()
            if len(runs) > before:  # a stage was loaded, and others may start from it
                continue
            crew.start_from(ready, following)
            if not crew.busy:
                break
            take(*crew.wait())
    return {stage.name: runs[stage.name] for stage in study.stages}


def _simulations(
    experiment: Experiment, target: Backend, draft: Kept | None, jobs: int
) -> list[Simulation]:
    """A stage as tasks, once it is checked here: its portions, or all of it."""
    target.check(experiment)
    return [
        Simulation(place, backend=target, experiment=part, checkpoint=_checkpoint(draft, part))
        for place, part in enumerate(portions(experiment, jobs))
    ]


def _completed(begun: _Begun, task: Simulation, found: Run) -> Run | None:
    """Take the run of a portion; the stage's, once it has all, which are not kept."""
    stage = task.experiment.stage
    experiment, parts, number = begun[stage]
    parts[task.place] = found
    if len(parts) < number:
        return None
    del begun[stage]
    return joined(experiment, [parts[k] for k in range(number)])


def _saved(run: Run, draft: Kept | None) -> Run:
    if draft is not None:
        draft.save(run)
    return run


def _taken(followers: Followers | None, task: Task, found: Any) -> None:
    if followers is not None:
        followers.take(task, found)
