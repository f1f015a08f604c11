"""Small results with known content: Gabor kernels, Poisson spikes, a course of learning."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from scnnbio.analysis.receptive_fields import KernelMeasures, gabor, measure_kernels
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording, Snapshots, Spikes
from scnnbio.validation import CLAIMS, Evidence, Score

MAPS = 8
SIZE = 9


def kernel(*, empty: bool = True) -> np.ndarray:
    """Eight kernels (8, 2, 9, 9): six Gabor functions, one of noise, one of zeros."""
    rng = np.random.default_rng(3)
    images = [
        gabor(
            (SIZE, SIZE), sigma_x=2.0, sigma_y=2.4, theta=30.0 * k, frequency=0.16, phase=60.0 * k
        )
        for k in range(6)
    ]
    images += [rng.normal(size=(SIZE, SIZE)), np.zeros((SIZE, SIZE)) if empty else images[0]]
    stack = np.array(images)
    return np.stack([np.maximum(stack, 0), np.maximum(-stack, 0)], axis=1)


def measures() -> KernelMeasures:
    return measure_kernels(kernel())


def gratings() -> Recording:
    """Six orientations, 4 repeats, 2 blanks; map m prefers 30 m deg, the last is silent."""
    rng = np.random.default_rng(4)
    orientation = np.r_[np.tile(np.arange(6) * 30.0, 4), np.nan, np.nan]
    n = len(orientation)
    time, unit, trial = [], [], []
    for k, angle in enumerate(orientation):
        for cell in range(MAPS - 1):
            tuned = np.cos(np.deg2rad(angle - 30.0 * cell)) ** 4 if k < 24 else 0.0
            count = rng.poisson(2 + 20 * tuned)
            time.append(rng.uniform(0.0, 500.0, count))
            unit.append(np.full(count, cell))
            trial.append(np.full(count, k))
    lgn = 600
    spikes = {
        "lgn": Spikes(rng.uniform(0, 500, lgn), rng.integers(0, 32, lgn), rng.integers(0, n, lgn)),
        "v1": Spikes(np.concatenate(time), np.concatenate(unit), np.concatenate(trial)),
    }
    table = {
        "duration": np.full(n, 500.0),
        "orientation": orientation,
        "spatial_frequency": np.where(np.isnan(orientation), np.nan, 0.1),
        "contrast": np.where(np.isnan(orientation), 0.0, 1.0),
    }
    return Recording(spikes, {"lgn": (2, 4, 4), "v1": (MAPS, 1, 1)}, table)


def learning() -> Recording:
    """Snapshots before trials 0, 20, 40, half way to the kernel each time."""
    end = kernel()
    start = np.random.default_rng(5).uniform(size=end.shape)
    shots = np.array([start, (start + end) / 2, (start + 3 * end) / 4])
    trials = [0, 20, 40]
    thresholds = np.array([np.full(MAPS, -53.0 + k) for k in range(3)])
    return Recording(
        {"v1": Spikes([5.0], [0], [0])},
        {"v1": (MAPS, 1, 1)},
        {"duration": np.full(60, 24.0)},
        snapshots={"lgn_v1": Snapshots(trials, shots), "v1": Snapshots(trials, thresholds)},
    )


def results(*stages: str) -> SimpleNamespace:
    """Evidence of the stages, and scores, as a workflow has them."""
    weights = {"lgn_v1": kernel()}
    recordings = {"learn": learning(), "control": learning(), "gratings": gratings()}
    table = measures()
    evidence = {
        stage: Evidence(
            SimpleNamespace(recording=recordings[stage], weights=weights),
            "v1",
            "lgn_v1",
            kernels={"lgn_v1": table},
        )
        for stage in stages
    }
    claims = [
        ClaimBinding(name, stage, populations, projection)
        for name, stage, populations, projection in (
            ("ringach2002_nx_ny", "learn", (), "lgn_v1"),
            ("ringach2002_circular_variance", "gratings", ("v1",), ""),
            ("ringach2002_half_bandwidth", "gratings", ("v1",), ""),
        )
        if stage in evidence
    ]
    scores: list[Score] = [CLAIMS[b.claim].judge(evidence[b.stage], bound=b) for b in claims]
    return SimpleNamespace(evidence=evidence, claims=tuple(claims), scores=tuple(scores))
