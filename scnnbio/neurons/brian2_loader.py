"""Importing Brian2, late and safely."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def load_brian2() -> ModuleType:
    """Brian2, imported when it is first needed, since that takes seconds.

    At import Brian2 runs a file named ``brian_preferences`` that it finds in the working folder.
    A folder with somebody's experiment must not be able to run code, so the import happens from
    scnnbio's own folder. The user's preferences in the home folder are still read.
    """
    if "brian2" in sys.modules:
        return sys.modules["brian2"]
    here = os.getcwd()
    hook = sys.excepthook
    os.chdir(os.path.dirname(__file__))
    try:
        return importlib.import_module("brian2")
    finally:
        os.chdir(here)
        # Brian2 puts a banner and a copy of the user's script in the way of every error.
        sys.excepthook = hook
