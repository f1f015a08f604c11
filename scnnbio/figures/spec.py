"""Specification of a study's figure: its data, its requirements, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from scnnbio.experiment import ClaimBinding
from scnnbio.validation import Evidence, Missing, Score
from scnnbio.validation.orientation_tuning import GRATINGS


class StudyResults(Protocol):
    """Data of a study's figures: anything with evidence and scores."""

    @property
    def evidence(self) -> Mapping[str, Evidence]:
        """Evidence by stage, such as ``"learn"`` and ``"gratings"``, for the stages that ran.

        Pass the objects on which claims were judged, since they cache the Gabor fits.
        """

    @property
    def claims(self) -> Sequence[ClaimBinding]:
        """What the document's claims are about; can be empty."""

    @property
    def scores(self) -> Sequence[Score]:
        """Verdicts; can be empty."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure with its caption, which says what is shown and what was excluded.

    ``score`` is that of the claim which the figure is about, if it is about one.
    """

    name: str
    title: str
    figure: Figure
    caption: str
    score: Score | None = None


@dataclass(frozen=True)
class FigureSpec:
    """A figure that a study can have.

    Parameters
    ----------
    name, title : str
    needs : tuple of str
        ``"<stage>.<part>"``, where part is ``kernel``, ``snapshots``, ``gratings``, ``spikes`` of
        the layer that the stage is about, ``spikes.<population>`` or ``signals.<population>``.
    make : callable
        Takes the results, returns the figure and its caption; raises Missing where there is
        nothing to show.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    make: Callable[[StudyResults], tuple[Figure, str]]

    def belongs(self, results: StudyResults) -> bool:
        """Whether any stage of the figure was run; figures of other studies are not mentioned."""
        return any(need.partition(".")[0] in results.evidence for need in self.needs)

    def lacking(self, results: StudyResults) -> str:
        """What the figure needs and the results lack; empty if nothing."""
        for need in self.needs:
            stage, _, part = need.partition(".")
            if stage not in results.evidence:
                return f"stage {stage!r} was not run"
            reason = _lacking(results.evidence[stage], part)
            if reason:
                return f"stage {stage!r} {reason}"
        return ""


def _lacking(evidence: Evidence, part: str) -> str:
    try:
        if part == "kernel":
            _ = evidence.weights
        if part == "gratings":
            _ = evidence.bind(protocol=GRATINGS).units
        population = evidence.population if part == "spikes" else part.partition(".")[2]
    except Missing as missing:
        return f"cannot be used: {missing}"
    recording = evidence.recording
    shots = recording.snapshots.get(evidence.projection)
    if part == "snapshots" and (shots is None or not len(shots.trial)):
        return f"kept no snapshots of {evidence.projection!r}"
    # A recording that was joined from stages can have populations without a spike.
    if part.startswith("spikes") and not len(recording.spikes.get(population, ())):
        return f"recorded no spikes of {population!r}"
    if part.startswith("signals.") and population not in recording.signals:
        return f"sampled no signal of {population!r}"
    return ""
