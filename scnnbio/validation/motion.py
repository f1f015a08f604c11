"""Selectivity for the direction of motion, and the control without motion."""

from __future__ import annotations

import math

from scnnbio.validation.comparisons import AllWithin, FractionAtMost
from scnnbio.validation.observation import Observation
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.protocol import Protocol

#: Selectivity above which a unit counts as direction selective.
SELECTIVE = 0.3

_EDGES = Protocol("moving edges", ("orientation", "speed"), levels=4)
_POOLING = (
    "(preferred - opposite)/(preferred + opposite) of the mean rate of the central unit of each map"
)
_WINDOW = "the whole trial"

CLAIMS = (
    FractionAtMost(
        name="direction_selective",
        observation=Observation(
            quantity=f"fraction of units with a direction selectivity below {SELECTIVE}",
            source="design: at least a third of the kernels prefer a direction of motion, as set"
            " before the experiment was run",
            species="model that learned from moving edges",
            value=2 / 3,
            stimulus="edges that move in all directions",
            window=_WINDOW,
            state="none: a model",
            pooling=_POOLING,
        ),
        measure=Physiology("direction_selectivity"),
        protocol=_EDGES,
        below=SELECTIVE,
    ),
    AllWithin(
        name="direction_control",
        observation=Observation(
            quantity="direction selectivity",
            source="design: a control. Where the times of events are shuffled, nothing moves, and"
            " no unit prefers a direction",
            species="model that learned from events at shuffled times",
            interval=(-math.inf, SELECTIVE),
            stimulus="edges that move in all directions",
            window=_WINDOW,
            state="none: a model",
            pooling=_POOLING,
        ),
        measure=Physiology("direction_selectivity"),
        protocol=_EDGES,
    ),
)
