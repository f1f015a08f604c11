"""Gain and phase from a modulated input to the membrane potential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.analysis.frequency_response import FrequencyResponse
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["frequency_figure"]

_COLOURS = (MODEL, ON, INK, "#CC79A7")
_MARKERS = ("o", "s", "^", "D")


@styled
def frequency_figure(
    found: Sequence[FrequencyResponse],
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.complex128]]],
    *,
    width: float = PAGE,
) -> Figure:
    """Measured responses over the analytic curves.

    Parameters
    ----------
    found : sequence of FrequencyResponse
        Four at most.
    curves : mapping of str to (array, complex array)
        By population: frequencies in Hz, and the predicted response.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: gain. B: phase. C: measured gain divided by the predicted one, 95 % intervals.
    """
    figure = new_figure(width, width * 0.4)
    gain, phase, ratio = figure.subplots(1, 3)
    for k, (f, colour, marker) in enumerate(zip(found, _COLOURS, _MARKERS, strict=False)):
        name = f.population.replace("_", " ")
        at, curve = curves[f.population]
        gain.loglog(at, np.abs(curve), color=colour, lw=0.8)
        gain.loglog(f.frequency, np.abs(f.measured), marker, color=colour, ms=3.5, label=name)
        lag = np.unwrap(np.angle(curve))
        phase.semilogx(at, np.degrees(lag), color=colour, lw=0.8)
        near = np.degrees(np.interp(f.frequency, at, lag))
        error = [f.phase_error - f.low[1], f.high[1] - f.phase_error]
        phase.errorbar(
            f.frequency, near + f.phase_error, yerr=np.maximum(error, 0.0), fmt=marker,
            color=colour, ms=3.5, lw=0.8,
        )  # fmt: skip
        # Shifted sideways, since the frequencies are the same.
        beside = f.frequency * 1.07 ** (k - (len(found) - 1) / 2)
        error = [f.ratio - f.low[0], f.high[0] - f.ratio]
        ratio.errorbar(
            beside, f.ratio, yerr=np.maximum(error, 0.0), fmt=marker, color=colour, ms=3.5, lw=0.8
        )
    ratio.set_xscale("log")
    ratio.axhline(1.0, color=QUIET, lw=0.8, ls=":")
    # mV per spike/ms is the same number as microvolt per spike/s.
    gain.set_ylabel("potential / input rate (µV/Hz)")
    phase.set_ylabel("phase (deg)")
    ratio.set_ylabel("measured gain / analytic gain")
    low, high = gain.get_ylim()
    gain.set_ylim(low * (low / high) ** 0.4, high)
    gain.legend(loc="lower left")
    for letter, panel in zip("ABC", (gain, phase, ratio), strict=True):
        panel.set_xlabel("frequency (Hz)")
        panel_letter(panel, letter)
    return figure
