"""Elephant's statistics, without the rest of Elephant where the process is the command's."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from scnnbio._later import later


@functools.cache
def statistics() -> Any:
    """The module ``elephant.statistics``.

    The package imports all of its modules, and with them scikit-learn: 1.2 s of CPU time, of which
    its statistics need a tenth. They import scipy's filters for rates that are not used here.
    """
    with later("scipy.signal", hollow=("elephant",)):
        return importlib.import_module("elephant.statistics")
