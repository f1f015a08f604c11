"""Fits of neurons to recordings in current clamp."""

from scnnbio.fitting.fits import fit
from scnnbio.fitting.objective import Objective, Scores, SweepScore
from scnnbio.fitting.result import Fit, Fold
from scnnbio.fitting.search import Search

__all__ = ["Fit", "Fold", "Objective", "Scores", "Search", "SweepScore", "fit"]
