"""Spikes and weights of the shipped experiments on V1 are what they were, to the last bit.

The checksums are of the folders that ``scnnbio run`` wrote at commit b95ff69 (x86-64, NumPy 2.3.5),
before everything described became a value, inputs got a protocol and names got registries: of each
column of spikes in ``recording.h5``, and of each array in ``weights.npz``.

Spikes are the same. Weights were learned then with the factor by which a learning rate falls in a
step written into the program with 15 digits, and with all of them now, as by the reference. So the
weights are held to the old checksums with that factor cut again, and to the reference's without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import scnnbio
from scnnbio.plasticity import LearningRule, SharedThreshold
from scnnbio.workflow import Results, execute

TINY = {
    "spikes/lgn/time": "0bc4a852b333787f",
    "spikes/lgn/trial": "72f1f98376c2f435",
    "spikes/lgn/unit": "c2e445cbaf3b5723",
    "spikes/v1/time": "c661ad4a4d69f939",
    "spikes/v1/trial": "49dc45247e68f36b",
    "spikes/v1/unit": "07572267aac12924",
    "learn/lgn_v1": "c0f510150584485a",
    "learn/v1": "7d6768b3bb91d169",
    "control/lgn_v1": "75c865441765d557",
    "control/v1": "d2b01e0fa0723301",
}
QUICK = {
    "spikes/lgn/time": "50688346cd59e7c8",
    "spikes/lgn/trial": "4d428cb322ff7713",
    "spikes/lgn/unit": "e8ebe8e531d33117",
    "spikes/v1/time": "4cae28f4b6affe95",
    "spikes/v1/trial": "34e36adf6d008fef",
    "spikes/v1/unit": "bdee0691cc1defbf",
    "learn/lgn_v1": "1d20a5219f120bba",
    "learn/v1": "8d026bf742b34703",
    "control/lgn_v1": "2386bd2998e90b33",
    "control/v1": "4985f1c7692e08fc",
}
GRATING = {
    "spikes/lgn/time": "d4df5e81616a0fc6",
    "spikes/lgn/trial": "a15b2d5e7e63b1e7",
    "spikes/lgn/unit": "b3ad639d11fdd658",
    "spikes/v1/time": "b5332daece6d45ee",
    "spikes/v1/trial": "8ee985ccad65c1ae",
    "spikes/v1/unit": "0018403fb012631b",
}


def checksum(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def checksums(results: Results) -> dict[str, str]:
    """As the folder of results would give them, without the fits and figures of one."""
    found = {
        f"spikes/{name}/{column}": checksum(getattr(spikes, column))
        for name, spikes in results.recording.spikes.items()
        for column in ("time", "trial", "unit")
    }
    return found | {
        f"{stage}/{name}": checksum(values)
        for stage, run in results.runs.items()
        for name, values in run.weights.items()
    }


def executed(name: str, backend: str, profile: str | None = None) -> Results:
    return execute(scnnbio.load(name, profile=profile), backend)


def of_spikes(sums: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sums.items() if name.startswith("spikes/")}


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fall of a learning rate in a step, with the 15 digits that a program had of it."""
    for cls in (LearningRule, SharedThreshold):

        def decay_factor(self: Any, dt: float, whole: Any = cls.decay_factor) -> float:
            return float(f"{whole(self, dt):.15g}")

        monkeypatch.setattr(cls, "decay_factor", decay_factor)


@pytest.mark.slow
def test_v1_features_tiny(cut: None) -> None:
    assert checksums(executed("v1_features", "brian2", "tiny")) == TINY


@pytest.mark.slow
def test_v1_features_tiny_with_all_digits() -> None:
    """The spikes are the same; the weights differ in the last digits, towards the reference's."""
    results, expected = (executed("v1_features", name, "tiny") for name in ("brian2", "reference"))
    assert of_spikes(checksums(results)) == of_spikes(TINY)
    for stage in ("learn", "control"):
        ours, theirs = results[stage].weights, expected[stage].weights
        # Each map's threshold is raised and falls one spike at a time.
        np.testing.assert_array_equal(ours["v1"], theirs["v1"])
        np.testing.assert_allclose(ours["lgn_v1"], theirs["lgn_v1"], rtol=0, atol=1e-15)


@pytest.mark.slow
def test_v1_grating() -> None:
    assert checksums(executed("v1_grating", "brian2")) == GRATING


@pytest.mark.validate
def test_v1_features_quick(cut: None) -> None:
    assert checksums(executed("v1_features", "brian2-standalone", "quick")) == QUICK
