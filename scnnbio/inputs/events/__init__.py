"""Event cameras: streams of events from files, folders and a simulated sensor."""

from scnnbio.inputs.events.from_events import FromEvents
from scnnbio.inputs.events.from_sensor import FromSensor
from scnnbio.inputs.events.isolated import Isolated
from scnnbio.inputs.events.reading import read_events
from scnnbio.inputs.events.sensor import EventSensor, saccades
from scnnbio.inputs.events.stream import Events

__all__ = [
    "EventSensor",
    "Events",
    "FromEvents",
    "FromSensor",
    "Isolated",
    "read_events",
    "saccades",
]
