"""What is shown: stimuli that yield their frames trial by trial, in any order."""

from scnnbio.stimuli.base import FileRead, Files, FileSkipped, Stimulus
from scnnbio.stimuli.full_field import FullField
from scnnbio.stimuli.gratings import Gratings
from scnnbio.stimuli.noise import WhiteNoise
from scnnbio.stimuli.photographs import Photographs

__all__ = [
    "FileRead",
    "FileSkipped",
    "Files",
    "FullField",
    "Gratings",
    "Photographs",
    "Stimulus",
    "WhiteNoise",
]
