"""Published parameters of mouse V1 come back from simulated sweeps, with noise of measurement."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.fitting import Fit
from tests.fitting.published import DATA, cells, refitted

SUBTHRESHOLD = ("v_rest", "tau_m", "cm")


def check(fit: Fit, cell: dict[str, float], noise: float) -> None:
    """Parameters within 3 %, potentials within 0.5 mV, and the held-out spikes."""
    assert fit.test is not None
    assert fit.test.sweeps[0].spikes >= 3
    assert fit.test.coincidence_factor > 0.95
    assert fit.values["v_rest"] == pytest.approx(cell["v_rest"], abs=0.5)
    assert fit.values["v_thresh"] == pytest.approx(cell["v_thresh"], abs=0.5)
    assert fit.values["tau_m"] == pytest.approx(cell["tau_m"], rel=0.03)
    assert fit.values["cm"] == pytest.approx(cell["cm"], rel=0.03)
    # What is left is the noise, and an error of spikes by a step or so.
    assert noise - 0.1 < fit.train.trace_error < noise + 0.7


@pytest.mark.validate
@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_published_cells(noise: float) -> None:
    if not DATA.is_file():
        pytest.skip(f"the parameters of Teeter et al. 2018 are not at {DATA}")
    known = cells(1)
    for k in np.random.default_rng(2018).choice(len(known), 4, replace=False):
        check(refitted(1, known[k], (*SUBTHRESHOLD, "v_thresh"), noise), known[k], noise)


@pytest.mark.validate
def test_published_cells_with_after_spike_currents() -> None:
    if not DATA.is_file():
        pytest.skip(f"the parameters of Teeter et al. 2018 are not at {DATA}")
    known = cells(3)
    names = (*SUBTHRESHOLD, "v_thresh", "asc_amp1", "asc_amp2")
    for k in np.random.default_rng(2018).choice(len(known), 3, replace=False):
        cell = known[k]
        fit = refitted(3, cell, names, 0.5)
        check(fit, cell, 0.5)
        rheobase = (cell["v_thresh"] - cell["v_rest"]) * cell["cm"] / cell["tau_m"]
        for name in names[-2:]:
            assert fit.values[name] == pytest.approx(cell[name], abs=0.15 * rheobase)
