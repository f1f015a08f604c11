"""Arguments of the measures of recordings, and of faults; see ``public_arguments``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scnnbio.analysis.measurements import Bootstrap
from scnnbio.recording import Recording, Spikes

TUNED = [1.0, 3.0, 2.0, 1.0]
ANGLES = [0.0, 45.0, 90.0, 135.0]
CURVES: dict[str, Any] = {"rates": [TUNED], "angles": ANGLES}


def table_of(**columns: Any) -> Any:
    """A recording of two units, with columns of up to 24 trials."""

    def made() -> Recording:
        time = np.arange(1.0, 101.0)
        spikes = Spikes(time, np.arange(100) % 2, np.arange(100) ** 2 % 24)
        full = {name: np.resize(values, 24) for name, values in columns.items()}
        return Recording(
            {"v1": spikes}, {"v1": (2, 1, 1)}, {"duration": np.full(24, 100.0), **full}
        )

    return made


def measure_arguments(
    table: dict[str, Any], tuned: Callable[[], Recording], potential: Callable[[], Recording]
) -> dict[str, dict[str, Any]]:
    """Callable → its arguments; of a table's arguments, a tuned recording, and one with signals."""
    measured = table | {"bootstrap": Bootstrap(draws=2)}
    shown = {
        "recording": tuned, "population": "v1", "bootstrap": Bootstrap(draws=2),
        "frames": lambda: lambda k: np.random.default_rng(k).normal(size=(10, 4, 4)),
    }  # fmt: skip
    return {
        **dict.fromkeys((
            "orientation_measures", "direction_measures", "spatial_frequency_measures",
            "count_measures", "interval_measures", "correlation_measures",
        ), measured),
        "grouped": table | {"by": ("orientation",)},
        "encoding_measures": {
            "model": table_of(orientation=np.arange(12.0)), "population": "v1",
            "recorded": table_of(orientation=np.arange(12.0)), "target": "v1", "folds": 2,
            "window": (10.0, 90.0), "recorded_window": (10.0, 90.0),
        },
        "sparseness_measures": measured | {"bin_width": 10.0},
        "contrast_measures": measured | {
            "recording": table_of(contrast=[0.125, 0.25, 0.5, 1.0]), "least_r_squared": 0.5,
        },
        "contrast_invariance": measured | {
            "recording": table_of(contrast=[0.5] * 4 + [1.0] * 4, orientation=ANGLES),
            "least_r_squared": 0.5,
        },
        "cross_orientation_suppression": measured | {
            "recording": table_of(mask_contrast=[0.0, 0.5], mask_orientation=[90.0]),
            "mask_orientation": 90.0,
        },
        "size_measures": measured | {
            "recording": table_of(diameter=[1.0, 2.0, 4.0], temporal_frequency=[20.0]),
        },
        "temporal_frequency_measures": measured | {
            "recording": table_of(temporal_frequency=[20.0, 40.0, 80.0]),
        },
        "modulation_measures": measured | {"recording": table_of(temporal_frequency=[20.0])},
        "potential_modulation_measures": measured | {"recording": potential},
        "onset_measures": {
            "recording": table_of(contrast=[0.0, 1.0]), "population": "v1", "onset": 10.0,
            "delay": 5.0, "width": 30.0, "bootstrap": Bootstrap(draws=2),
        },
        "response_latency": {
            "recording": table_of(contrast=[1.0]), "population": "v1", "onset": 30.0,
            "within": 30.0, "bin_width": 10.0, "bootstrap": Bootstrap(draws=2),
        },
        **dict.fromkeys(("receptive_field_measures", "spike_triggered_average"), shown),
        "tuning_curves": measured | {
            "along": "orientation",
        },
        "spontaneous": measured | {"recording": table_of(contrast=[0.0, 1.0])},
        "trial_f1": table | {"recording": table_of(temporal_frequency=[20.0])},
        "Bootstrap.interval": {"value": [1.0], "draws": [[1.0], [2.0]], "period": 180.0},
        "measured": {
            "name": "x", "unit": "1", "value": [1.0], "draws": [[1.0], [2.0]], "n": np.ones(1, int),
            "bootstrap": Bootstrap(draws=2), "period": 180.0, "limits": (-1.0, 9.0),
        },
        "flanks": {"curves": [[1.0, 4.0, 2.0, 1.0]], "axis": [0.0, 1.0, 2.0, 3.0], "fraction": 0.5},
        "fit_shape": {
            "curves": [[1.0, 4.0, 2.0, 1.0]], "p": [0.0, 1.0], "q": [1.0, 2.0],
            "shape": lambda: lambda p, q: np.exp(-q * (np.arange(4.0) - p) ** 2),
        },
        "fit_naka_rushton": {"rates": [[1.0, 2.0, 4.0, 5.0]], "contrast": [0.125, 0.25, 0.5, 1.0]},
        **dict.fromkeys((
            "fit_von_mises", "fitted_shape", "orthogonal_preferred", "peak_orientation",
            "half_bandwidths",
        ), CURVES),
        "half_width": {"kappa": [2.0, 4.0]},
        "sparseness": {"rates": [TUNED]},
        "periodic_spline": {
            "curves": TUNED, "axis": ANGLES, "smoothing": (0.5, 1.0, 0.5), "where": "here",
            "step": 45.0,
        },
        "first_fall": {"curve": TUNED, "level": [0.5]},
    }  # fmt: skip


def fault_arguments(network: Callable[[], Any]) -> dict[str, dict[str, Any]]:
    """Callable → its arguments, of what makes faults in a network or its input."""
    given = {"network": network, "seed": 1}
    return {
        "with_weight_noise": given | {"noise": 0.5},
        "with_dead_cells": given | {"share": 0.5},
        "with_threshold_spread": given | {"spread": 0.5},
        "ThinnedCode": {"lost": 0.25},
    }
