"""Conversion of trained torch modules to networks of neurons without leak.

::

    from scnnbio.conversion import convert

    converted = convert(module, images)
    run = backends.get("brian2").run(converted.experiment(tests, steps=32))
    digits = converted.outputs(run.recording, 32).argmax(axis=1)

All but the warning needs torch, and comes when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scnnbio._torch import load_torch
from scnnbio.errors import ConversionWarning

if TYPE_CHECKING:
    from scnnbio.conversion.activation import QCFS
    from scnnbio.conversion.building import convert
    from scnnbio.conversion.calibration import calibrate
    from scnnbio.conversion.converted import Converted, Layer
    from scnnbio.conversion.rates import LayerRates, compare

_LATER = {
    "QCFS": "activation",
    "Converted": "converted",
    "Layer": "converted",
    "LayerRates": "rates",
    "calibrate": "calibration",
    "compare": "rates",
    "convert": "building",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    load_torch("scnnbio.conversion")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


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
