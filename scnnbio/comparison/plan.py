"""The plan of a comparison of backends, and its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scnnbio.analysis.agreement import Agreement, Settings
from scnnbio.analysis.convergence import Convergence
from scnnbio.analysis.paired import Statistic
from scnnbio.backends.choices import Choice
from scnnbio.comparison.verdicts import FirstDifference, PromiseVerdict
from scnnbio.errors import Unsupported
from scnnbio.experiment import Run, Stage, Study

#: Label of a backend, and label of a time step (empty for the document's own).
Place = tuple[str, str]
Refusals = Mapping[Place, tuple[Unsupported, ...]]


@dataclass(frozen=True, eq=False)
class Plan:
    """What a comparison runs.

    Parameters
    ----------
    choices : tuple of Choice
        The first is the reference.
    variants : mapping of str to Study
        The study by time step, the finest first.
    compared : tuple of str
        Stages that every backend runs.
    prerequisites : tuple of str
        Stages that only the reference runs: every backend starts from the weights it learned.
    skip : bool
        Leave out backends that cannot run the study, and compare the others.
    settings : Settings
        Settings of the measures.
    """

    choices: tuple[Choice, ...]
    variants: Mapping[str, Study]
    compared: tuple[str, ...]
    prerequisites: tuple[str, ...] = ()
    skip: bool = False
    settings: Settings = field(default_factory=Settings)

    def stages(self, variant: str, names: Sequence[str]) -> list[Stage]:
        """Stages of these names at one time step."""
        return [stage for stage in self.variants[variant].stages if stage.name in names]


@dataclass(frozen=True, eq=False)
class PairResult:
    """Agreement of one stage on the reference and on another backend, at one time step.

    Parameters
    ----------
    stage : str
    dt : float
        In ms.
    reference, other : str
        Labels of the backends.
    agreements : mapping of str to Agreement
        By recorded population.
    verdicts : tuple of PromiseVerdict
        Verdicts on what both backends promise.
    first_differences : tuple of FirstDifference
        Where spikes begin to differ; empty where the promises do not depend on it.
    """

    stage: str
    dt: float
    reference: str
    other: str
    agreements: Mapping[str, Agreement]
    verdicts: tuple[PromiseVerdict, ...]
    first_differences: tuple[FirstDifference, ...] = ()


@dataclass(frozen=True, eq=False)
class Sweep:
    """One backend on several grids, compared with a more exact solution.

    Parameters
    ----------
    stage, backend : str
    exact : str
        The solution that its grids are compared with.
    convergence : Convergence
    rates : tuple of Statistic
        Difference of the mean rate by grid, in the order of ``convergence``.
    """

    stage: str
    backend: str
    exact: str
    convergence: Convergence
    rates: tuple[Statistic, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results of running one study on several backends.

    Parameters
    ----------
    study : Study
        As it was loaded.
    plan : Plan
    runs : mapping of (str, str) to {stage: Run}
        By backend and time step.
    refused : mapping of (str, str) to tuple of Unsupported
        Backends and time steps that were not run, with the reasons.
    pairs : tuple of PairResult
    sweeps : tuple of Sweep
        Empty with a single time step.
    """

    study: Study
    plan: Plan
    runs: Mapping[Place, Mapping[str, Run]]
    refused: Refusals
    pairs: tuple[PairResult, ...]
    sweeps: tuple[Sweep, ...]

    def distinct_runs(self) -> Iterator[tuple[tuple[str, str, str], Run]]:
        """Every run once, with its backend, time step and stage.

        ``runs`` holds the same run at several places where the reference learned for all backends
        or a solution has no grid.
        """
        seen: set[int] = set()
        for (label, variant), stages in self.runs.items():
            for stage, run in stages.items():
                if id(run) not in seen:
                    seen.add(id(run))
                    yield (label, variant, stage), run

    @property
    def verdicts(self) -> tuple[PromiseVerdict, ...]:
        """All verdicts."""
        return tuple(verdict for pair in self.pairs for verdict in pair.verdicts)
