"""What a comparison of backends is: what is run, and what came of it."""

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

#: Label of a backend, and of a time step (empty for that of the document).
Place = tuple[str, str]
Refusals = Mapping[Place, tuple[Unsupported, ...]]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be run.

    Parameters
    ----------
    choices : tuple of Choice
        The first is the reference.
    variants : mapping of str to Study
        The study by time step, from the finest.
    compared : tuple of str
        Stages that every backend runs.
    before : tuple of str
        Stages that the reference runs for all: the others start from what it learned.
    skip : bool
        Compare what is left if a backend cannot run the study.
    settings : Settings
        Of the measures.
    """

    choices: tuple[Choice, ...]
    variants: Mapping[str, Study]
    compared: tuple[str, ...]
    before: tuple[str, ...] = ()
    skip: bool = False
    settings: Settings = field(default_factory=Settings)

    def stages(self, variant: str, names: Sequence[str]) -> list[Stage]:
        """Stages at one time step."""
        return [stage for stage in self.variants[variant].stages if stage.name in names]


@dataclass(frozen=True, eq=False)
class PairResult:
    """A stage on the reference and on another backend, at one time step.

    Parameters
    ----------
    stage : str
    dt : float
        In ms.
    reference, other : str
        Labels.
    agreements : mapping of str to Agreement
        By recorded population.
    verdicts : tuple of PromiseVerdict
        Verdicts on what both promise.
    first : tuple of FirstDifference
        Where spikes begin to differ, if that was looked into.
    """

    stage: str
    dt: float
    reference: str
    other: str
    agreements: Mapping[str, Agreement]
    verdicts: tuple[PromiseVerdict, ...]
    first: tuple[FirstDifference, ...] = ()


@dataclass(frozen=True, eq=False)
class Sweep:
    """One backend on several grids.

    Parameters
    ----------
    stage, backend : str
    exact : str
        What its grids are held against.
    found : Convergence
    rates : tuple of Statistic
        By grid, in the order of ``found``: how far the mean rate is off.
    """

    stage: str
    backend: str
    exact: str
    found: Convergence
    rates: tuple[Statistic, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that came of running one study on several backends.

    Parameters
    ----------
    study : Study
        As it was loaded.
    plan : Plan
    runs : mapping of (str, str) to {stage: Run}
        By backend and time step.
    refused : mapping of (str, str) to tuple of Unsupported
        What was not run, and why.
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
        """Every run once, with backend, time step and stage.

        What the reference learned for all, and a solution without a grid, stand at several places.
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
