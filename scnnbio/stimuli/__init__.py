"""Stimuli, which yield the frames of their trials in any order."""

from scnnbio.registry import Registry, subclasses
from scnnbio.stimuli.base import FileRead, Files, FileSkipped, Stimulus
from scnnbio.stimuli.full_field import FullField
from scnnbio.stimuli.grating_patches import GratingPatches
from scnnbio.stimuli.gratings import Gratings
from scnnbio.stimuli.moving_bars import MovingBars
from scnnbio.stimuli.noise import WhiteNoise
from scnnbio.stimuli.noise_movies import GaussianNoise, SparseNoise
from scnnbio.stimuli.photographs import Photographs
from scnnbio.stimuli.scenes import NaturalScenes

#: All stimuli by their kind in a document.
STIMULI: Registry[type[Stimulus]] = Registry(
    "stimulus",
    "scnnbio.stimuli",
    {
        "photographs": "scnnbio.stimuli:Photographs",
        "full-field": "scnnbio.stimuli:FullField",
        "gratings": "scnnbio.stimuli:Gratings",
        "white-noise": "scnnbio.stimuli:WhiteNoise",
        "grating-patches": "scnnbio.stimuli:GratingPatches",
        "moving-bars": "scnnbio.stimuli:MovingBars",
        "sparse-noise": "scnnbio.stimuli:SparseNoise",
        "gaussian-noise": "scnnbio.stimuli:GaussianNoise",
        "natural-scenes": "scnnbio.stimuli:NaturalScenes",
    },
    subclasses(Stimulus, name="kind", described=True),
)

__all__ = [
    "STIMULI",
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
