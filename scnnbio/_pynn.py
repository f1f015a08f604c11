"""Importing PyNN and scipy without what they would bring along; the package does so first.

PyNN imports neo, with all that neo reads files by, and csa where that is installed, with
matplotlib's pyplot, for classes that are not used here; quantities, for recordings of its own; and
scipy's sparse matrices, for an array that may be one. scipy's filters import its special functions,
to turn pictures by, and all that numpy has, for the sake of libraries that are like numpy.
"""

from __future__ import annotations

import importlib

from scnnbio._later import NUMPYS, later

with later("neo", "csa", "quantities", "scipy.sparse", "scipy.special", *NUMPYS):
    importlib.import_module("pyNN.connectors")
    importlib.import_module("pyNN.common")
    importlib.import_module("scipy.ndimage")
