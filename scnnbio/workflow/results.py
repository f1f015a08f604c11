"""Results of a study: runs, measures and scores."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scnnbio.analysis.receptive_fields import KernelMeasures
from scnnbio.experiment import ClaimBinding, Report, Run, Study
from scnnbio.experiment.documents import choose
from scnnbio.recording import Recording, concatenate
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.registry import shown
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
        Measures of kernels already fitted, by stage and projection, as ``"learn/lgn_v1"``.
    scores : Scores
    report : callable, optional
        Called with the progress of fits of kernels.
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

    def __getstate__(self) -> dict[str, Any]:
        """All but the report of progress, which stays in its process."""
        return {**vars(self), "report": None}

    def __getitem__(self, stage: str) -> Run:
        """The run of a stage; raises a SpecError for an unknown name."""
        return choose(self.runs, stage, "stage", "results")

    @property
    def claims(self) -> tuple[ClaimBinding, ...]:
        """What the claims of the document are about."""
        return self.study.claims

    @cached_property
    def evidence(self) -> dict[str, Evidence]:
        """Evidence of each stage for claims and figures; expensive measures are cached."""
        return {stage: self._evidence(stage, run) for stage, run in self.runs.items()}

    def _evidence(self, stage: str, run: Run) -> Evidence:
        report = self.report

        def progress(done: int, total: int) -> None:
            if report is not None:
                report(f"fitting kernels ({stage})", done, total)

        named = [key.partition("/") for key in self.measures]
        kernels = {name: self.measures[f"{at}/{name}"] for at, _, name in named if at == stage}
        populations, projection = shown(self.study.claims, run)
        return Evidence(run, populations, projection, kernels=kernels, progress=progress)

    def with_scores(self, scores: tuple[Score, ...]) -> Results:
        """The same results with these scores; fits made in the meantime are kept."""
        made = {
            f"{stage}/{projection}": table
            for stage, evidence in self.evidence.items()
            for projection, table in evidence.kernels.items()
        }
        judged = dataclasses.replace(self, scores=scores, measures={**self.measures, **made})
        # Figures reuse the measures that claims have cached.
        vars(judged)["evidence"] = self.evidence
        return judged

    @property
    def recording(self) -> Recording:
        """Recordings of all stages, one after another."""
        return concatenate([run.recording for run in self.runs.values()])

    @property
    def provenance(self) -> dict[str, Any]:
        """Provenance of every stage, and totals over the stages."""
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
            # With several backends, options are listed per stage.
            "options": options[0] if len(names) == 1 else {},
            "seed": self.study.seed,
            "versions": versions,
            "pathways": pathways,
            "wall_seconds": {phase: round(seconds, 3) for phase, seconds in wall.items()},
            "input_spikes": sum(row["input_spikes"] for row in stages.values()),
            "output_spikes": dict(output),
            "stages": stages,
        }
