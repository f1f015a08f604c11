"""A converted network: rates against activations, and accuracy and cost against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.figures.style import INK, MODEL, PAGE, QUIET, new_figure, panel_letter, styled

if TYPE_CHECKING:
    from scnnbio.conversion.rates import LayerRates

__all__ = ["conversion_figure", "rates_figure"]

#: Points that are drawn of a layer, chosen evenly.
_MOST = 4000
#: Layers in a row.
_ACROSS = 4


@styled
def rates_figure(layers: Sequence[LayerRates], *, width: float = PAGE) -> Figure:
    """What spikes stand for against the module's activation, a panel per layer.

    Parameters
    ----------
    layers : sequence of LayerRates
    width : float
        Of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
    """
    across = min(_ACROSS, len(layers))
    down = -(-len(layers) // across)
    figure = new_figure(width, down * width / across * 1.08)
    for k, layer in enumerate(layers):
        axes = figure.add_subplot(down, across, k + 1)
        x, y = layer.activation.ravel(), layer.spiking.ravel()
        shown = np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(int)
        axes.plot(x[shown], y[shown], ".", color=MODEL, markersize=1.5, rasterized=True)
        ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
        axes.plot(ends, ends, color=INK, linewidth=0.6)
        axes.set_title(f"{layer.name}: error {layer.error:.1%}")
        axes.set_xlabel("activation")
        if k % across == 0:
            axes.set_ylabel("spiking")
    return figure


@styled
def conversion_figure(
    steps: NDArray[np.int64],
    accuracy: NDArray[np.float64],
    spikes: NDArray[np.float64],
    operations: NDArray[np.float64],
    *,
    module_accuracy: float,
    multiplications: int,
    tested: int,
    width: float = PAGE,
) -> Figure:
    """Accuracy, spikes and synaptic operations against the number of steps.

    Parameters
    ----------
    steps : array (n,)
    accuracy : array (n,)
        Share of images named rightly.
    spikes, operations : array (n,)
        Per image.
    module_accuracy : float
    multiplications : int
        Of the module, per image.
    tested : int
        Images.
    width : float
        Of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: error of the spiking network, with its binomial standard error, and of the module (line).
        B: spikes per image. C: synaptic operations per image, and multiplications of the module
        (line).
    """
    figure = new_figure(width, width * 0.32)
    panels = [figure.add_subplot(1, 3, k + 1) for k in range(3)]
    error = 100 * (1 - accuracy)
    spread = 100 * np.sqrt(accuracy * (1 - accuracy) / tested)
    panels[0].errorbar(steps, error, spread, fmt="o-", color=MODEL, markersize=3)
    _line(panels[0], 100 * (1 - module_accuracy), "module")
    # Linear up to a tenth of a percent, so that no error at all has a place.
    panels[0].set_yscale("symlog", linthresh=0.1)
    panels[0].set_ylim(bottom=0.0)
    panels[0].set_ylabel(f"errors on {tested:,} images (%)")
    panels[1].plot(steps, spikes, "o-", color=MODEL, markersize=3)
    panels[1].set_ylabel("spikes per image")
    panels[2].plot(steps, operations, "o-", color=MODEL, markersize=3)
    _line(panels[2], multiplications, "multiplications")
    panels[2].set_ylabel("synaptic operations per image")
    for letter, axes in zip("ABC", panels, strict=True):
        axes.set_xscale("log", base=2)
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.set_xlabel("steps T")
        panel_letter(axes, letter)
    for axes in panels[1:]:
        axes.set_yscale("log")
    return figure


def _line(axes: Axes, level: float, name: str) -> None:
    axes.axhline(level, color=INK, linewidth=0.8, linestyle="--", label=name)
    axes.legend(loc="best", frameon=False, labelcolor=QUIET)
