"""What is shown: stimuli that yield their frames trial by trial, in any order."""

from scnnbio.registry import Registry, subclasses
from scnnbio.stimuli.base import FileRead, Files, FileSkipped, Stimulus
from scnnbio.stimuli.full_field import FullField
from scnnbio.stimuli.gratings import Gratings
from scnnbio.stimuli.noise import WhiteNoise
from scnnbio.stimuli.photographs import Photographs

#: Every stimulus by its kind in a document.
STIMULI: Registry[type[Stimulus]] = Registry(
    "stimulus",
    "scnnbio.stimuli",
    {
        "photographs": "scnnbio.stimuli:Photographs",
        "full-field": "scnnbio.stimuli:FullField",
        "gratings": "scnnbio.stimuli:Gratings",
        "white-noise": "scnnbio.stimuli:WhiteNoise",
    },
    subclasses(Stimulus, name="kind", described=True),
)

__all__ = [
    "STIMULI",
    "FileRead",
    "FileSkipped",
    "Files",
    "FullField",
    "Gratings",
    "Photographs",
    "Stimulus",
    "WhiteNoise",
]
