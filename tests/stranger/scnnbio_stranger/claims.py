"""A claim: what is expected, of which measure, and how the two are compared."""

from scnnbio.validation import AllWithin, Observation
from scnnbio_stranger.measures import ShortestInterval

KEEPS_REFRACTORY = AllWithin(
    name="keeps_refractory",
    observation=Observation(
        quantity="shortest interval",
        source="design",
        species="the model",
        unit="ms",
        interval=(2.0, float("inf")),
        note="LIF_slow is held for 2 ms after a spike",
    ),
    measure=ShortestInterval(),
)
