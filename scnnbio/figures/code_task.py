"""One task through several codes."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from scnnbio.analysis.code_task import CodeTask
from scnnbio.figures.style import INK, MODEL, ON, PAGE, new_figure, panel_letter, styled

__all__ = ["code_task_figure"]

_LOOKS = ((MODEL, "o"), (INK, "s"), (ON, "^"))


@styled
def code_task_figure(found: Mapping[str, CodeTask], *, width: float = PAGE) -> Figure:
    """Accuracy over time (A), against spikes (B), and under jitter (C).

    Parameters
    ----------
    found : mapping of str to CodeTask
        By code.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        Bars are 95 % intervals; triangles on the axis of time mark when each code has decided.
    """
    figure = new_figure(width, width * 0.36)
    over, against, under = figure.subplots(1, 3)
    for (label, task), (color, marker) in zip(found.items(), _LOOKS, strict=False):
        values = [100 * one.value for one in task.accuracy]
        over.plot(task.time, values, "-", marker=marker, ms=3, color=color, label=label)
        over.plot(task.decided(), 0.0, "^", color=color, clip_on=False)
        low, high = (100 * end for end in task.final.interval)
        error = [[values[-1] - low], [high - values[-1]]]
        against.errorbar(task.source_spikes, values[-1], error, fmt=marker, color=color, ms=4)
        sigma = [0.0, *task.jittered]
        shown = [task.final, *task.jittered.values()]
        loss = [100 * one.value for one in shown]
        ends = [[100 * end for end in one.interval] for one in shown]
        spread = [
            [value - low for value, (low, _) in zip(loss, ends, strict=True)],
            [high - value for value, (_, high) in zip(loss, ends, strict=True)],
        ]
        under.errorbar(sigma, loss, spread, fmt="-" + marker, color=color, ms=3, lw=0.9)
    over.set(xlabel="time of the decision (ms)", ylabel="test digits named rightly (%)")
    over.set_ylim(0.0, 100.0)
    over.legend(loc="lower right")
    against.set(xlabel="spikes of the source per digit", ylabel="rightly after the trial (%)")
    under.set(xlabel="jitter sigma (ms)", ylabel="rightly, without retraining (%)")
    for letter, axes in zip("ABC", (over, against, under), strict=True):
        panel_letter(axes, letter)
    return figure
