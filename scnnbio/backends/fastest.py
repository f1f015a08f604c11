"""The backend that a study runs on when none is named.

Backends that keep the time grid fire the same spikes, so that the choice is one of speed alone. It
follows from the study, the options and what is installed, and from nothing else: the first of a
fixed order that takes the whole study and lacks nothing.

1. only in a command that MPI started in several processes, a backend that spreads a network over
   all of them, as ``nest`` does;
2. ``brian2-standalone``: compiled;
3. ``brian2``: the same network without a compiler;
4. ``reference``: what Brian2 has no names or words for.

``event-driven`` has no grid and ``spinnaker`` computes in the arithmetic of a machine: their spikes
are others, so they run when they are named.
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


@dataclass(frozen=True)
class Fastest:
    """What was chosen, and why not what is faster.

    Parameters
    ----------
    name : str
        The backend.
    passed_over : mapping of str to str
        Faster backend → what it lacks.
    """

    name: str
    passed_over: Mapping[str, str]

    def __str__(self) -> str:
        reasons = (f"; not {name}: {why}" for name, why in self.passed_over.items())
        return f"{self.name}, the fastest that can run this here" + "".join(reasons)


def fastest(study: Study | Experiment, options: Mapping[str, Any] | None = None) -> Fastest:
    """The fastest backend that can run a study, or one experiment, here.

    Parameters
    ----------
    study : Study or Experiment
    options : mapping of str to object, optional
        Of the backend: one that has no such option is not taken.

    Returns
    -------
    Fastest
        If none can run it, the fastest one that has these options, so that its reasons are told.

    Raises
    ------
    SpecError
        If no backend has these options, or the study is wrong on any backend.
    """
    experiments = study.experiments if isinstance(study, Study) else (study,)
    passed_over: dict[str, str] = {}
    candidates = (*_spreading(), *ORDER) if processes.commanded().size > 1 else ORDER
    for name in candidates:
        try:
            backend = backends.get(name, options)
        except (BackendMissing, SpecError) as error:
            passed_over[name] = error.message
            continue
        reason = backend.missing() or _lacking(backend, experiments)
        if not reason:
            return Fastest(name, passed_over)
        passed_over[name] = reason
    return Fastest(_first_with(candidates, options), {})


def _spreading() -> list[str]:
    """Backends that spread one run over the processes that MPI started."""
    found = []
    for name in backends.names():
        try:
            spreads = backends.kind(name).spreads
        except BackendMissing:
            # Whether it would is not known; what it lacks is told with the choice.
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
