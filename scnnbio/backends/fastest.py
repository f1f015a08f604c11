"""Choice of the backend when the user does not name one.

Backends on the time grid fire the same spikes, so that they differ only in speed. The choice
depends only on the study, the options and what is installed: it is the first in a fixed order that
is installed and can run the whole study.

1. only in a command that MPI started in several processes: a backend that distributes a network
   over all of them, such as ``nest``;
2. ``brian2-standalone``: compiled;
3. ``brian2``: the same network without a compiler;
4. ``reference``: for networks that Brian2 cannot express.

Stages that train by gradient run on ``torch``, which is the only one that trains; the choice is
made for all other stages.

``event-driven`` has no grid and ``spinnaker`` uses fixed-point arithmetic: their spikes differ, so
they run only when named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scnnbio import backends
from scnnbio.backends import processes
from scnnbio.errors import BackendMissing, SpecError
from scnnbio.experiment import Experiment, Study

#: From the fastest to the slowest.
ORDER = ("brian2-standalone", "brian2", "reference")
#: Runs the stages that train by gradient.
TRAINS = "torch"


@dataclass(frozen=True)
class Fastest:
    """The chosen backend, and why faster ones were not chosen.

    Parameters
    ----------
    name : str
        The backend; with stages that train, one per stage, as ``--backend`` takes it.
    passed_over : mapping of str to str
        Faster backend → reason.
    """

    name: str
    passed_over: Mapping[str, str]

    def __str__(self) -> str:
        reasons = (f"; not {name}: {why}" for name, why in self.passed_over.items())
        return f"{self.name}, the fastest that can run this on this machine" + "".join(reasons)


def fastest(study: Study | Experiment, options: Mapping[str, Any] | None = None) -> Fastest:
    """The fastest backend that can run a study or an experiment on this machine.

    Parameters
    ----------
    study : Study or Experiment
    options : mapping of str to object, optional
        Options of the backend; backends without them are not chosen.

    Returns
    -------
    Fastest
        If none can run it, the fastest one that has these options, whose reasons are then shown.

    Raises
    ------
    SpecError
        If no backend has these options, or the study is wrong, whatever the backend.
    """
    every = study.experiments if isinstance(study, Study) else (study,)
    experiments = [e for e in every if e.training is None]
    trained = "".join(f"{e.stage}={TRAINS}," for e in every if e.training is not None)
    if not experiments:
        return Fastest(TRAINS, {})
    passed_over: dict[str, str] = {}
    candidates = (*_distributing(), *ORDER) if processes.commanded().size > 1 else ORDER
    for name in candidates:
        try:
            backend = backends.get(name, options)
        except (BackendMissing, SpecError) as error:
            passed_over[name] = error.message
            continue
        reason = backend.missing() or _lacking(backend, experiments)
        if not reason:
            return Fastest(trained + name, passed_over)
        passed_over[name] = reason
    return Fastest(trained + _first_with(candidates, options), {})


def _distributing() -> list[str]:
    """Backends that distribute one run over the processes that MPI started."""
    found = []
    for name in backends.names():
        try:
            spreads = backends.kind(name).spreads
        except BackendMissing:
            # Unknown, as it is not installed; listed as a candidate, so that the choice says what
            # it lacks.
            spreads = True
        if spreads and name not in ORDER:
            found.append(name)
    return found


def _lacking(backend: backends.Backend, experiments: Sequence[Experiment]) -> str:
    problems = (p for e in experiments for p in backend.unsupported(e))
    return next((f"{p.element}: {p.feature}" for p in problems), "")


def _first_with(candidates: tuple[str, ...], options: Mapping[str, Any] | None) -> str:
    refused: list[SpecError] = []
    for name in candidates:
        try:
            backends.get(name, options)
        except BackendMissing:
            continue
        except SpecError as error:
            refused.append(error)
            continue
        return name
    raise refused[0]
