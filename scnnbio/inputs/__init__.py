"""What drives the source populations of a network: frames, spikes or images.

An :class:`Input` drives one source population. An experiment has one for each source, all with the
same number of trials of the same duration.
"""

from scnnbio.inputs.base import Draw, Input
from scnnbio.inputs.correlated import CorrelatedPairs
from scnnbio.inputs.frames import FromFrames
from scnnbio.inputs.images import FromImages, Images, read_idx, read_images
from scnnbio.inputs.spikes import FromSpikes

__all__ = [
    "CorrelatedPairs",
    "Draw",
    "FromFrames",
    "FromImages",
    "FromSpikes",
    "Images",
    "Input",
    "read_idx",
    "read_images",
]
