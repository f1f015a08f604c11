"""Load NEST and torch so that each uses the libraries that it came with.

NEST's wheel brings ATLAS and its own OpenMP, and makes their symbols visible to all that is loaded
later. torch then multiplied matrices by ATLAS, and with NEST's number of threads: the same seed
trained another network, in the last bits. Loaded after torch, NEST set the number of torch's
threads. On Linux a library can be bound to its own dependencies first. macOS always does so.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

#: Symbols of a library's own dependencies come before those that are visible to all.
_OWN_FIRST: int = getattr(os, "RTLD_DEEPBIND", 0)


@contextlib.contextmanager
def flags_kept() -> Iterator[None]:
    """Restore the flags that libraries are loaded with, which the import of NEST changes."""
    if not hasattr(sys, "getdlopenflags"):  # Windows
        yield
        return
    before = sys.getdlopenflags()
    try:
        yield
    finally:
        sys.setdlopenflags(before)


@contextlib.contextmanager
def bound_to_its_own(other: str) -> Iterator[None]:
    """What is imported within uses its own libraries, if the module ``other`` is loaded already."""
    with flags_kept():
        if other in sys.modules and _OWN_FIRST:
            sys.setdlopenflags(os.RTLD_NOW | _OWN_FIRST)
        yield


def bind_nest_to_its_own() -> None:
    """Load NEST's library, if torch is loaded already; ``import nest`` finds it loaded."""
    if "torch" not in sys.modules or not _OWN_FIRST:
        return
    found = importlib.util.find_spec("nest")
    for place in (found and found.submodule_search_locations) or ():
        for library in Path(place).glob("nestkernel_api*.so"):
            import scipy  # noqa: F401  (before NEST, as NEST does it)

            ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_GLOBAL | _OWN_FIRST)
