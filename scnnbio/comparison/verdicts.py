"""Verdicts on the promises of backends, from the agreement of their recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scnnbio.analysis.agreement import Agreement
from scnnbio.analysis.paired import Statistic
from scnnbio.backends.promises import (
    SUBJECTS,
    Exact,
    Promise,
    Statistical,
    UnlessAtThreshold,
    Within,
)
from scnnbio.validation.scores import Verdict


@dataclass(frozen=True)
class FirstDifference:
    """A spike on one backend only, which no earlier difference explains.

    Parameters
    ----------
    population : str
    unit, trial : int
    time : float
        Time of the spike, in ms since the trial began.
    fired, silent : str
        Backend on which the neuron fired, and backend on which it did not.
    distance : float, optional
        Distance from threshold, at that time, on the backend on which the neuron did not fire;
        None if it is not known.
    reason : str
        Why the distance is not known.
    """

    population: str
    unit: int
    trial: int
    time: float
    fired: str
    silent: str
    distance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class PromiseVerdict:
    """Whether a promise was kept.

    Parameters
    ----------
    subject : str
        One of :data:`~scnnbio.backends.promises.SUBJECTS`.
    of : str
        Population or projection.
    promise : str
        Text of the promise; empty if there is none.
    verdict : {"agrees", "disagrees", "insufficient data", "not applicable"}
    reason : str
    """

    subject: str
    of: str
    promise: str
    verdict: Verdict
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def judge_spikes(
    promise: Promise | None,
    found: Agreement,
    dt: float,
    first: Sequence[FirstDifference] = (),
) -> PromiseVerdict:
    """Judge the promise for the spikes of one population.

    Parameters
    ----------
    promise : Promise or None
        The promise for spikes of neurons, or for input spikes.
    found : Agreement
    dt : float
        Time step in ms.
    first : sequence of FirstDifference
        First differences of the whole network, in all trials with differences.

    Returns
    -------
    PromiseVerdict
    """
    if promise is None:
        return PromiseVerdict(
            "spikes", found.population, "", "not applicable", "nothing is promised"
        )
    verdict, reason = _JUDGES[type(promise)](promise, found, dt, first)
    return PromiseVerdict(promise.subject, found.population, str(promise), verdict, reason)


def judge_numbers(
    promise: Promise | None, subject: str, of: str, difference: float
) -> PromiseVerdict:
    """Judge the promise for learned weights or sampled signals.

    Parameters
    ----------
    promise : Promise or None
    subject, of : str
        Subject of the promise, and the projection or variable that is compared.
    difference : float
        The largest difference; NaN if there was nothing to compare.

    Returns
    -------
    PromiseVerdict
    """
    if promise is None:
        return PromiseVerdict(subject, of, "", "not applicable", "nothing is promised")
    bound = promise.difference if isinstance(promise, Within) else 0.0
    if difference != difference:
        reason = f"no {SUBJECTS[subject]}"
        return PromiseVerdict(subject, of, str(promise), "insufficient data", reason)
    verdict: Verdict = "agrees" if difference <= bound else "disagrees"
    return PromiseVerdict(
        subject, of, str(promise), verdict, f"the largest difference is {difference:.3g}"
    )


Found = tuple[Verdict, str]

#: Fewest neurons for a confidence interval: resamples of fewer vary less than new neurons would.
_MIN_NEURONS = 10


def _exact(promise: Any, found: Agreement, dt: float, first: Sequence[FirstDifference]) -> Found:
    if not found.active:
        return "insufficient data", "there are no spikes"
    if found.all_identical:
        return "agrees", f"all {found.spikes[0]} spikes of {found.active} neurons are the same"
    return "disagrees", _differing(found)


def _differing(found: Agreement) -> str:
    number = round((1.0 - found.identical) * found.active)
    return f"{number} of {found.active} neurons that fire differ"


def _unless_at_threshold(
    promise: UnlessAtThreshold, found: Agreement, dt: float, first: Sequence[FirstDifference]
) -> Found:
    if found.all_identical:
        return _exact(promise, found, dt, first)
    known = [item.distance for item in first if item.distance is not None]
    if known and max(known) > promise.distance:
        return "disagrees", f"{_differing(found)}; a neuron was {max(known):.2g} from threshold"
    reasons = {item.reason for item in first if item.distance is None}
    if reasons or not known:
        why = "; ".join(sorted(reasons)) or "the first differences are not known"
        return "insufficient data", f"{_differing(found)}; {why}"
    return "agrees", (
        f"{_differing(found)}; at the first differences ({len(known)}), neurons were at most"
        f" {max(known):.2g} from threshold"
    )


def _statistical(
    promise: Statistical, found: Agreement, dt: float, first: Sequence[FirstDifference]
) -> Found:
    parts = [
        _within("mean rate", found.rate, promise.rate),
        _within("CV of intervals", found.cv, promise.cv),
    ]
    order: tuple[Verdict, ...] = ("disagrees", "insufficient data", "agrees", "not applicable")
    verdict = min((verdict for verdict, _ in parts), key=order.index)
    reasons = "; ".join(reason for _, reason in parts)
    return "insufficient data" if verdict == "not applicable" else verdict, reasons


def _within(name: str, statistic: Statistic, bound: float) -> Found:
    """Test of equivalence: the whole interval must lie within the bound, or beyond it."""
    low, high = statistic.low, statistic.high
    interval = f"{name} differs by {statistic.difference:+.3g} ({low:+.3g} to {high:+.3g})"
    if low != low or statistic.n < _MIN_NEURONS:
        # Trains of a few spikes have a rate, but too few intervals for a CV.
        return "not applicable", f"{name} is defined for {statistic.n} neurons, too few to judge"
    if -bound <= low and high <= bound:
        return "agrees", interval
    if low > bound or high < -bound:
        return "disagrees", interval
    return "insufficient data", f"{interval}, too wide for {bound:g}"


_JUDGES: dict[type[Promise], Callable[..., Found]] = {
    Exact: _exact,
    UnlessAtThreshold: _unless_at_threshold,
    Statistical: _statistical,
}
