"""What subtractive and shunting inhibition do to a population: the whole of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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

#: Hz; how far rates went where noise was seen to change the gain (Chance, Abbott & Reyes 2002).
LOW_RATES = 60.0
KINDS = ("subtractive", "shunting", "barrage")
#: Membranes that cannot fire.
_PASSIVE = ("control", "subtractive", "shunting")
#: ms that are left out at the beginning of a trial.
_ONSET = 200.0


@dataclass(frozen=True, eq=False)
class Inhibition:
    """Rates and potentials over current, with and without inhibition.

    Parameters
    ----------
    rates : mapping of background to list of Curve
        The control first, then one for each of :data:`KINDS`.
    changes : mapping of background to {kind: GainChange}
        Of rates up to :data:`LOW_RATES`.
    passive : mapping of kind to (Curve, Line)
        Mean potentials of membranes that cannot fire, without background.
    conductance : float
        Mean of the shunt that the passive membranes see, in uS.
    """

    rates: Mapping[str, list[Curve]]
    changes: Mapping[str, Mapping[str, GainChange]]
    passive: Mapping[str, tuple[Curve, Line]]
    conductance: float


def inhibition(run: Run) -> Inhibition:
    """Gain and offset that each kind of inhibition makes, and what it does to the membrane.

    Parameters
    ----------
    run : Run
        Of the populations that the experiment ``shunting`` has.

    Returns
    -------
    Inhibition

    Raises
    ------
    SpecError
        If there are not trials with and without background, longer than 200 ms.
    """
    luminance, duration = run.recording.trials["luminance"], run.experiment.trial_duration
    window = (_ONSET, duration)
    backgrounds = {"no background": luminance < 0, "background noise": luminance == 0}
    if not all(trials.any() for trials in backgrounds.values()) or duration <= _ONSET:
        raise SpecError(
            "it needs trials with and without background, longer than 200 ms", where="inhibition"
        )
    rates: dict[str, list[Curve]] = {}
    changes: dict[str, dict[str, GainChange]] = {}
    for name, trials in backgrounds.items():
        control, *others = (
            rate_curve(run, p, np.flatnonzero(trials), window) for p in ("control", *KINDS)
        )
        rates[name] = [control, *others]
        changes[name] = {c.population: gain_change(control, c, up_to=LOW_RATES) for c in others}
    quiet = np.flatnonzero(luminance < 0)
    curves = {p: potential_curve(run, f"{p}_passive", quiet, window) for p in _PASSIVE}
    shunt = mean_signal(run, "shunting_passive", "g_shunt", quiet, window)
    passive = {p: (curve, line(curve)) for p, curve in curves.items()}
    return Inhibition(rates, changes, passive, float(shunt.mean()))
