"""The figure of gain and offset shows the curves and estimates it is given."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.gain import Curve, gain_change, line
from scnnbio.figures.gain import gain_figure

CURRENT = np.linspace(0.0, 4.0, 15)
PLACES = 1.0 + 0.02 * np.arange(-2.0, 3.0)[:, None]


def rates(name: str, gain: float, shift: float) -> Curve:
    rate = gain * 40.0 * np.log1p(np.exp((CURRENT - shift - 1.0) / 0.3)) * 0.3
    return Curve(name, CURRENT, rate * PLACES)


@pytest.fixture(scope="module")
def figure():
    made = [
        rates("control", 1.0, 0.0), rates("subtractive", 1.0, 0.7),
        rates("shunting", 1.1, 0.6), rates("barrage", 0.6, 0.0),
    ]  # fmt: skip
    changes = {c.population: gain_change(made[0], c, up_to=60.0) for c in made[1:]}
    passive = Curve("shunting_passive", CURRENT, -65.0 + 10.0 * CURRENT + 0.0 * PLACES)
    backgrounds = ("quiet", "noisy")
    return gain_figure(
        [(passive, line(passive))],
        dict.fromkeys(backgrounds, made),
        dict.fromkeys(backgrounds, changes),
    )


def test_the_line_of_a_passive_membrane_is_its_resistance() -> None:
    """10 MOhm and -65 mV, the same at all places, so that the intervals are points."""
    found = line(Curve("passive", CURRENT, -65.0 + 10.0 * CURRENT + 0.0 * PLACES))
    for estimate, wanted in ((found.slope, 10.0), (found.offset, -65.0)):
        assert [estimate.value, estimate.low, estimate.high] == pytest.approx([wanted] * 3)


@pytest.mark.slow
def test_the_membranes_resistance_is_named(figure):
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["shunting: 10 MΩ"]


@pytest.mark.slow
def test_fits_lie_on_the_rates_they_were_fitted_to(figure):
    # Lines with many points are the control curve, moved.
    fits = [line_ for line_ in figure.axes[1].lines if len(line_.get_xdata()) > 30]
    assert len(fits) == 3
    x, y = fits[2].get_data()
    shown = (CURRENT > 0.5) & (x.max() > CURRENT)
    expected = rates("barrage", 0.6, 0.0).mean[shown]
    np.testing.assert_allclose(np.interp(CURRENT[shown], x, y), expected, atol=1.0)


@pytest.mark.slow
def test_gains_stand_over_offsets(figure):
    points = [(line_.get_xdata()[0], line_.get_ydata()[0]) for line_ in figure.axes[3].lines
              if line_.get_marker() == "o"]  # fmt: skip
    wanted = [(0.7, 1.0), (0.6, 1.1), (0.0, 0.6)] * 2
    np.testing.assert_allclose(points, wanted, atol=0.03)
