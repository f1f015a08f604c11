"""What a figure of a study is: what it is drawn from, what it needs, how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from scnnbio.validation import Evidence, Score
from scnnbio.validation.evidence import Missing


class StudyResults(Protocol):
    """What the figures of a study are drawn from: anything with evidence and scores."""

    @property
    def evidence(self) -> Mapping[str, Evidence]:
        """By stage: ``"learn"``, ``"control"`` and ``"gratings"``, those that were run.

        Best the objects that claims were judged on, which keep the Gabor fits.
        """

    @property
    def scores(self) -> Sequence[Score]:
        """Verdicts; may be empty."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure with its caption, which says what is shown and what was left out."""

    name: str
    title: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class FigureSpec:
    """A figure that a study may have.

    Parameters
    ----------
    name, title : str
    needs : tuple of str
        ``"<stage>.<part>"``, where part is ``kernel``, ``snapshots``, ``gratings``,
        ``spikes.<population>`` or ``signals.<population>``.
    make : callable
        From the results to the figure and its caption; raises Missing where there is
        nothing to show.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    make: Callable[[StudyResults], tuple[Figure, str]]

    def belongs(self, results: StudyResults) -> bool:
        """Whether any stage that it shows was run: of other studies' figures nothing is said."""
        return any(need.partition(".")[0] in results.evidence for need in self.needs)

    def lacking(self, results: StudyResults) -> str:
        """Say what the figure needs and the results have not; empty if nothing."""
        for need in self.needs:
            stage, _, part = need.partition(".")
            if stage not in results.evidence:
                return f"stage {stage!r} was not run"
            reason = _lacking(results.evidence[stage], part)
            if reason:
                return f"stage {stage!r} {reason}"
        return ""


def _lacking(evidence: Evidence, part: str) -> str:
    run = evidence.run
    if part == "kernel" and evidence.projection not in run.weights:
        return f"has no weights of {evidence.projection!r}"
    shots = run.recording.snapshots.get(evidence.projection)
    if part == "snapshots" and (shots is None or not len(shots.trial)):
        return f"kept no snapshots of {evidence.projection!r}"
    if part.startswith("spikes."):
        population = part.partition(".")[2]
        # Joined with other stages', a recording has populations without a spike.
        if not len(run.recording.spikes.get(population, ())):
            return f"recorded no spikes of {population!r}"
    if part.startswith("signals.") and part.partition(".")[2] not in run.recording.signals:
        return f"sampled nothing of {part.partition('.')[2]!r}"
    if part == "gratings":
        try:
            _ = evidence.gratings
        except Missing as missing:
            return f"cannot be used: {missing}"
    return ""
