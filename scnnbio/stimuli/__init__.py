"""What is shown: stimuli that yield their frames trial by trial, in any order."""

from scnnbio.stimuli.base import FileRead, Files, FileSkipped, Stimulus
from scnnbio.stimuli.full_field import FullField
from scnnbio.stimuli.grating_patches import GratingPatches
from scnnbio.stimuli.gratings import Gratings
from scnnbio.stimuli.moving_bars import MovingBars
from scnnbio.stimuli.noise import WhiteNoise
from scnnbio.stimuli.noise_movies import GaussianNoise, SparseNoise
from scnnbio.stimuli.photographs import Photographs
from scnnbio.stimuli.scenes import NaturalScenes

__all__ = [
    "FileRead",
    "FileSkipped",
    "Files",
    "FullField",
    "GaussianNoise",
    "GratingPatches",
    "Gratings",
    "MovingBars",
    "NaturalScenes",
    "Photographs",
    "SparseNoise",
    "Stimulus",
    "WhiteNoise",
]
