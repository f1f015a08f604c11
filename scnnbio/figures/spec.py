"""What a figure of a study is: what it is drawn from, what it needs, how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from scnnbio.validation import Evidence, Missing, Score
from scnnbio.validation.orientation_tuning import GRATINGS


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
        ``"<stage>.<part>"``, where part is ``kernel``, ``snapshots``, ``gratings``, ``spikes`` of
        the layer that the stage is about, ``spikes.<population>`` or ``signals.<population>``.
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
    # Joined with other stages', a recording has populations without a spike.
    if part.startswith("spikes") and not len(recording.spikes.get(population, ())):
        return f"recorded no spikes of {population!r}"
    if part.startswith("signals.") and population not in recording.signals:
        return f"sampled nothing of {population!r}"
    return ""
