"""Seconds that the measures of physiology take: ``python -m benchmarks.measures``.

1000 trains of 100 s: 12 directions x 8 repeats and 4 blanks of a second. Writes
``benchmarks/measures.json``. All measures together are to take less than two minutes on two cores.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from scnnbio import analysis
from scnnbio.recording import Recording, Spikes

RESULTS = Path(__file__).parent / "measures.json"
UNITS, REPEATS, BLANKS = 1000, 8, 4
MEASURES = (
    "orientation_measures", "direction_measures", "modulation_measures", "response_latency",
    "count_measures", "interval_measures", "correlation_measures", "sparseness_measures",
)  # fmt: skip


def trains(seed: int = 0) -> Recording:
    """Poisson cells tuned to orientation, of 1 to 21 Hz."""
    rng = np.random.default_rng(seed)
    shown = np.tile(np.arange(12) * 30.0, REPEATS)
    orientation = np.concatenate([shown, np.full(BLANKS, np.nan)])
    blank = np.isnan(orientation)
    place, kappa = rng.uniform(0, 180, UNITS), rng.uniform(0.5, 4, UNITS)
    turned = np.cos(2 * np.deg2rad(orientation[:, None] - place)) - 1
    rates = np.where(blank[:, None], 1.0, 1.0 + 20.0 * np.exp(kappa * turned))
    counts = rng.poisson(rates)
    trial, unit = (x.repeat(counts.ravel()) for x in np.indices(counts.shape).reshape(2, -1))
    trials = {
        "duration": np.full(len(orientation), 1000.0),
        "orientation": orientation,
        "contrast": np.where(blank, 0.0, 1.0),
        "temporal_frequency": np.where(blank, np.nan, 4.0),
    }
    time_of = rng.uniform(0.0, 1000.0, len(trial))
    spikes = Spikes(time_of, unit.astype(np.int32), trial.astype(np.int32))
    return Recording({"v1": spikes}, {"v1": (UNITS, 1, 1)}, trials)


def seconds(recording: Recording) -> dict[str, dict[str, float]]:
    """Wall-clock and processor seconds of each measure, with 200 resamples."""
    found = {}
    for name in MEASURES:
        wall, cpu = time.perf_counter(), time.process_time()
        getattr(analysis, name)(recording, "v1")
        found[name] = {
            "wall_s": round(time.perf_counter() - wall, 2),
            "cpu_s": round(time.process_time() - cpu, 2),
        }
    return found


def main() -> None:
    """Measure, print and write."""
    found = seconds(trains())
    found["all"] = {
        clock: round(sum(row[clock] for row in found.values()), 2) for clock in ("wall_s", "cpu_s")
    }
    for name, row in found.items():
        print(f"{name}: {row['wall_s']} s, of a processor {row['cpu_s']} s")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
