"""Conversion of trained torch modules to networks of neurons without leak.

::

    from scnnbio.conversion import convert

    converted = convert(module, images)
    run = backends.get("brian2").run(converted.experiment(tests, steps=32))
    digits = converted.outputs(run.recording, 32).argmax(axis=1)

Needs torch.
"""

from scnnbio.conversion.activation import QCFS
from scnnbio.conversion.calibration import calibrate
from scnnbio.conversion.convert import convert
from scnnbio.conversion.converted import Converted, Layer
from scnnbio.conversion.rates import LayerRates, compare
from scnnbio.conversion.scaling import ConversionWarning

__all__ = [
    "QCFS",
    "ConversionWarning",
    "Converted",
    "Layer",
    "LayerRates",
    "calibrate",
    "compare",
    "convert",
]
