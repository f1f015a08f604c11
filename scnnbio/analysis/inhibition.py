"""Effects of subtractive and shunting inhibition on a population, from one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.gain import (
    Curve,
    GainChange,
    Line,
    gain_change,
    line,
    mean_signal,
    potential_curve,
    rate_curve,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Run

#: Hz; the range of rates in which noise changed the gain (Chance, Abbott & Reyes 2002).
LOW_RATES = 60.0
#: Kinds of inhibition.
KINDS = ("subtractive", "shunting", "barrage")
#: Kinds of which there is a population that cannot fire.
_PASSIVE = ("control", "subtractive", "shunting")
#: ms that are ignored at the beginning of a trial.
_ONSET = 200.0


@dataclass(frozen=True, eq=False)
class Inhibition:
    """Rates and potentials against current, with and without inhibition.

    Parameters
    ----------
    rates : mapping of background to list of Curve
        The control first, then one curve per kind in :data:`KINDS`.
    passive : mapping of kind to (Curve, Line)
        Mean potentials of membranes that cannot fire, without background.
    conductance : float
        Mean shunting conductance of the passive membranes, in uS.
    """

    rates: Mapping[str, list[Curve]]
    passive: Mapping[str, tuple[Curve, Line]]
    conductance: float


def inhibition(run: Run) -> Inhibition:
    """Rates of every population, and potentials of those that cannot fire.

    Parameters
    ----------
    run : Run
        Run with the populations of the experiment ``shunting``.

    Returns
    -------
    Inhibition

    Raises
    ------
    SpecError
        Unless there are trials with and without background, longer than 200 ms.
    """
    rates: dict[str, list[Curve]] = {}
    for name, trials in _backgrounds(run).items():
        rates[name] = [rate_curve(run, p, trials, _window(run)) for p in ("control", *KINDS)]
    passive = {p: _passive(run, f"{p}_passive") for p in _PASSIVE}
    return Inhibition(rates, passive, shunt_conductance(run, "shunting_passive"))


def gain_changes(run: Run, control: str, inhibited: str) -> dict[str, GainChange]:
    """Gain and offset of one population's rates relative to another's, by background.

    Parameters
    ----------
    run : Run
        With trials of luminance -1 (no background) and 0 (background noise).
    control, inhibited : str
        Populations with one value of ``i_offset`` per channel.

    Returns
    -------
    dict of str to GainChange
        Fitted to rates up to :data:`LOW_RATES`.

    Raises
    ------
    SpecError
        Unless there are trials with and without background, longer than 200 ms.
    """
    found = {}
    for name, trials in _backgrounds(run).items():
        curves = (rate_curve(run, p, trials, _window(run)) for p in (control, inhibited))
        found[name] = gain_change(*curves, up_to=LOW_RATES)
    return found


def passive_line(run: Run, population: str) -> Line:
    """Mean potential against current of membranes that cannot fire, without background.

    Raises
    ------
    SpecError
        Unless there are trials with and without background, longer than 200 ms.
    """
    return _passive(run, population)[1]


def shunt_conductance(run: Run, population: str) -> float:
    """Mean of the sampled ``g_shunt`` without background, in uS; 0 where it was not sampled."""
    if "g_shunt" not in run.recording.signals.get(population, {}):
        return 0.0
    quiet = _backgrounds(run)["no background"]
    return float(mean_signal(run, population, "g_shunt", quiet, _window(run)).mean())


def _passive(run: Run, population: str) -> tuple[Curve, Line]:
    quiet = _backgrounds(run)["no background"]
    curve = potential_curve(run, population, quiet, _window(run))
    return curve, line(curve)


def _window(run: Run) -> tuple[float, float]:
    return _ONSET, run.experiment.trial_duration


def _backgrounds(run: Run) -> dict[str, NDArray[np.int64]]:
    """Trials without and with background noise."""
    luminance = run.recording.trials["luminance"]
    found = {"no background": luminance < 0, "background noise": luminance == 0}
    trials = {name: np.flatnonzero(shown) for name, shown in found.items()}
    if not all(map(len, trials.values())) or run.experiment.trial_duration <= _ONSET:
        raise SpecError(
            "trials with and without background are needed, longer than 200 ms", where="inhibition"
        )
    return trials
