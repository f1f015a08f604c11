"""Inputs of a network: frames, images, spikes or events, and values and currents.

An :class:`Input` drives one source population. An experiment has one per source, all with the
same number of trials of the same duration. A :class:`FromCurrents` can drive neurons as well.
"""

from scnnbio.inputs.augmentation import Augmentation
from scnnbio.inputs.base import CurrentInput, Draw, Input
from scnnbio.inputs.correlated import CorrelatedPairs
from scnnbio.inputs.currents import FromCurrents
from scnnbio.inputs.events import (
    Events,
    EventSensor,
    FromEvents,
    FromSensor,
    read_events,
    saccades,
)
from scnnbio.inputs.frames import FromFrames
from scnnbio.inputs.images import FromImages, Images, read_idx, read_images
from scnnbio.inputs.levels import Levels
from scnnbio.inputs.sequences import FromSequences, PlantedMotifs, Sequences
from scnnbio.inputs.spikes import FromSpikes
from scnnbio.registry import Registry, subclasses

#: All inputs by their kind in a document.
INPUTS: Registry[type[Input]] = Registry(
    "input",
    "scnnbio.inputs",
    {
        "frames": "scnnbio.inputs:FromFrames",
        "spikes": "scnnbio.inputs:FromSpikes",
        "images": "scnnbio.inputs:FromImages",
        "currents": "scnnbio.inputs:FromCurrents",
        "events": "scnnbio.inputs:FromEvents",
        "sensor": "scnnbio.inputs:FromSensor",
        "correlated-pairs": "scnnbio.inputs:CorrelatedPairs",
        "levels": "scnnbio.inputs:Levels",
        "sequences": "scnnbio.inputs:FromSequences",
        "planted-motifs": "scnnbio.inputs:PlantedMotifs",
    },
    subclasses(Input, described=True),
)

__all__ = [
    "INPUTS",
    "Augmentation",
    "CorrelatedPairs",
    "CurrentInput",
    "Draw",
    "EventSensor",
    "Events",
    "FromCurrents",
    "FromEvents",
    "FromFrames",
    "FromImages",
    "FromSensor",
    "FromSequences",
    "FromSpikes",
    "Images",
    "Input",
    "Levels",
    "PlantedMotifs",
    "Sequences",
    "read_events",
    "read_idx",
    "read_images",
    "saccades",
]
