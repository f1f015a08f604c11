"""All that one study gave."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.experiment import Report, Run, Study
from scnnbio.experiment.documents import choose
from scnnbio.recording import Recording, concatenate
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score, Scores


@dataclass(frozen=True, eq=False)
class Results:
    """Runs of a study's stages, and the verdicts on them.

    ``results["test"]`` is the run of stage ``"test"``.

    Parameters
    ----------
    study : Study
    runs : mapping of str to Run
        By stage.
    measures : mapping of str to KernelMeasures
        Kernels that were fitted already, by stage and projection, as ``"learn/lgn_v1"``.
    scores : Scores
    report : callable, optional
        Told how far the fits of kernels are.
    origin : mapping of str to object
        Date, command and files; see :mod:`scnnbio.workflow.origin`.
    """

    study: Study
    runs: Mapping[str, Run]
    measures: Mapping[str, KernelMeasures] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    report: Report | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scores", Scores(self.scores))

    def __getitem__(self, stage: str) -> Run:
        """The run of a stage; a SpecError if there is none of that name."""
        return choose(self.runs, stage, "stage", "results")

    @cached_property
    def evidence(self) -> dict[str, Evidence]:
        """What claims and figures see of each stage; expensive measures are made once."""
        return {stage: self._evidence(stage, run) for stage, run in self.runs.items()}

    def _evidence(self, stage: str, run: Run) -> Evidence:
        report = self.report

        def progress(done: int, total: int) -> None:
            if report is not None:
                report(f"fitting kernels ({stage})", done, total)

        named = [key.partition("/") for key in self.measures]
        kernels = {name: self.measures[f"{at}/{name}"] for at, _, name in named if at == stage}
        populations, projection = self._subject(stage, run)
        return Evidence(run, populations, projection, kernels=kernels, progress=progress)

    def _subject(self, stage: str, run: Run) -> tuple[tuple[str, ...], str]:
        """Population and projection that figures of a stage show: those of its first claims.

        Without such claims, the first projection that learns and the layer that it leads to.
        """
        network, claims = run.experiment.network, [c for c in self.study.claims if c.stage == stage]
        kernels = [c.projection for c in claims if c.projection]
        learned = [p.name for p in network.projections if p.plasticity is not None]
        posts = [network.projection(name).post for name in (*kernels[:1], *learned[:1])]
        layers = [c.population[0] for c in claims if len(c.population) == 1]
        neurons = [name for name in layers if not network.population(name).is_source]
        recorded = [name for name in run.recording.spikes if not network.population(name).is_source]
        population = (*neurons, *posts, *recorded)[:1]
        into = [name for name in learned if network.projection(name).post in population]
        return population, (*kernels, *into, "")[0]

    def with_scores(self, scores: tuple[Score, ...]) -> Results:
        """The same results, judged; fits that were made on the way are kept."""
        made = {
            f"{stage}/{projection}": table
            for stage, evidence in self.evidence.items()
            for projection, table in evidence.kernels.items()
        }
        judged = dataclasses.replace(self, scores=scores, measures={**self.measures, **made})
        # What claims had made of the runs is there for the figures.
        vars(judged)["evidence"] = self.evidence
        return judged

    @property
    def recording(self) -> Recording:
        """Recordings of all stages, one after another."""
        return concatenate([run.recording for run in self.runs.values()])

    @property
    def provenance(self) -> dict[str, Any]:
        """How the results came about: the stages' provenance, and their sums."""
        stages = {name: dict(run.provenance) for name, run in self.runs.items()}
        wall: Counter[str] = Counter()
        output: Counter[str] = Counter()
        pathways: dict[str, str] = {}
        versions: dict[str, str] = {}
        for row in stages.values():
            versions.update(row["versions"])
            wall.update(row["wall_seconds"])
            output.update(row["output_spikes"])
            pathways.update(row["pathways"])
        names = dict.fromkeys(row["backend"] for row in stages.values())
        options = [row.get("options", {}) for row in stages.values()]
        return {
            "study": self.study.name,
            "title": self.study.title,
            **self.origin,
            "backend": ", ".join(names),
            # Of several backends, each stage has its own.
            "options": options[0] if len(names) == 1 else {},
            "seed": self.study.seed,
            "versions": versions,
            "pathways": pathways,
            "wall_seconds": {phase: round(seconds, 3) for phase, seconds in wall.items()},
            "input_spikes": sum(row["input_spikes"] for row in stages.values()),
            "output_spikes": dict(output),
            "stages": stages,
        }
