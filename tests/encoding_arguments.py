"""Arguments with which the tests call encodings and codes; see ``test_quantities``."""

from typing import Any

import numpy as np


def encoding_arguments() -> dict[str, dict[str, Any]]:
    """By the name of a method of an encoding or a code."""

    def rng() -> np.random.Generator:
        return np.random.default_rng(1)

    times: dict[str, Any] = {"duration": 50.0, "dt": 0.5}
    several = {"drives": np.ones((1, 1, 4)), **times, "rngs": lambda: [rng()]}
    return {
        "Code.spikes": {"drive": np.ones((1, 4)), **times, "rng": rng},
        "Encoding.spikes": {"frames": np.ones((1, 3, 3)), **times, "rng": rng},
        "Code.sampler": {"drive": np.ones((1, 4)), **times},
        "Code.spikes_of": several,
        "Encoding.drive": {"frames": np.ones((1, 3, 3)), "duration": 50.0},
        "Encoding.sampler": {"drive": np.ones((1, 2, 3, 3)), **times},
        "Encoding.spikes_of": {"pictures": np.ones((1, 3, 3)), **times, "rngs": lambda: [rng()]},
        "LatencyCode.spikes_of": several,
        "RateCode.sampler": {"drive": np.ones((1, 4)), **times},
        "RateCode.rate": {"drive": [0.5, 1.0]},
    }
