"""Cells with published parameters of mouse V1 (Teeter et al. 2018), in simulated current clamp."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.fitting import Fit, Search, fit
from scnnbio.neurons import NeuronModel, glif
from tests.fitting.clamped import noisy_current, recorded, step_current

DATA = Path(__file__).parents[3] / "shared/data/glif/glif_params_teeter2018_mouse_v1.csv"
#: Step (ms) and steps of a sweep.
DT, STEPS = 0.2, 1500
#: Column of the table, factor to scnnbio's unit.
_COLUMNS = {
    "v_rest": ("El_mV", 1.0),
    "tau_m": ("tau_m_ms", 1.0),
    "cm": ("C_pF", 1e-3),
    "asc_amp1": ("asc_amp1_pA", 1e-3),
    "asc_amp2": ("asc_amp2_pA", 1e-3),
    "asc_tau1": ("asc_tau1_ms", 1.0),
    "asc_tau2": ("asc_tau2_ms", 1.0),
}


def cells(level: int) -> list[dict[str, float]]:
    """Parameters of every cell to which a level was fitted, as a population has them."""
    found = []
    with DATA.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["glif_level"]) != level:
                continue
            cell = {n: float(row[c]) * f for n, (c, f) in _COLUMNS.items() if row[c]}
            cell["v_thresh"] = cell["v_rest"] + float(row["th_inf_mV_rel_El"])
            cell["v_reset"] = cell["v_rest"]
            cell["tau_refrac"] = round(float(row["t_ref_ms"]) / DT) * DT
            found.append(cell)
    return found


def medians(level: int) -> dict[str, float]:
    """The library's medians."""
    names = (*_COLUMNS, "v_thresh", "v_reset", "tau_refrac")
    known = glif(level).parameters
    return {n: known[n].default for n in names if n in known}


def elsewhere(level: int) -> NeuronModel:
    """The model with defaults far from any median, at which a search begins."""
    model = glif(level)
    moved = {"v_rest": -66.0, "v_thresh": -45.0, "tau_m": 10.0, "cm": 0.2}
    return dataclasses.replace(
        model,
        parameters={
            n: dataclasses.replace(p, default=moved.get(n, p.default))
            for n, p in model.parameters.items()
        },
    )


def refitted(
    level: int,
    cell: dict[str, float],
    free: tuple[str, ...],
    noise: float,
    search: Search | None = None,
    dt: float = DT,
    steps: int = STEPS,
) -> Fit:
    """A fit to three sweeps of a cell, of four: noise twice, a step, and noise that is held out.

    The currents are scaled by the cell's own rheobase, (v_thresh - v_rest) cm/tau_m, as an
    experimenter does.
    """
    rng = np.random.default_rng(8)
    rheobase = (cell["v_thresh"] - cell["v_rest"]) * cell["cm"] / cell["tau_m"]
    currents: list[Any] = [
        rheobase * noisy_current(rng, steps, dt, mean, sd)
        for mean, sd in ((1.1, 0.6), (0.4, 0.3), (1.1, 0.6))
    ]
    currents.insert(2, rheobase * step_current(steps, 1.4))
    sweeps = recorded(glif(level), cell, currents, dt, noise)
    known = ("v_reset", "tau_refrac", "asc_tau1", "asc_tau2")
    return fit(
        elsewhere(level),
        sweeps,
        free,
        fixed={n: cell[n] for n in known if n in cell},
        bounds={n: (-0.6, 0.6) for n in free if n.startswith("asc_amp")},
        search=search or Search(generations=20),
        test=("sweep3",),
        backend="reference",
    )
