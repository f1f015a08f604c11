"""What drives the source populations of a network: frames, spikes or images.

An :class:`Input` drives one source population. An experiment has one for each source, all with the
same number of trials of the same duration.
"""

from scnnbio.inputs.base import Draw, Input
from scnnbio.inputs.frames import FromFrames
from scnnbio.inputs.images import FromImages, Images, read_idx, read_images
from scnnbio.inputs.spikes import FromSpikes
from scnnbio.registry import Registry, subclasses

#: Every input by its kind in a document.
INPUTS: Registry[type[Input]] = Registry(
    "input",
    "scnnbio.inputs",
    {
        "frames": "scnnbio.inputs:FromFrames",
        "spikes": "scnnbio.inputs:FromSpikes",
        "images": "scnnbio.inputs:FromImages",
    },
    subclasses(Input, described=True),
)

__all__ = [
    "INPUTS",
    "Draw",
    "FromFrames",
    "FromImages",
    "FromSpikes",
    "Images",
    "Input",
    "read_idx",
    "read_images",
]
