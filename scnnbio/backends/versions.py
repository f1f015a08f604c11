"""Versions of the packages that a run depends on, for its provenance."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable

#: Packages that every run depends on; Brian2 parses the equations.
_PACKAGES = ("scnnbio", "brian2", "PyNN", "neo", "elephant", "numpy", "scipy", "sympy")


def versions(packages: Iterable[str] = ()) -> dict[str, str]:
    """Versions of Python, of the packages that every run depends on, and of others.

    Parameters
    ----------
    packages : iterable of str
        Names of further distributions.
    """
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, *packages):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
