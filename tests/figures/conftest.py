"""Synthetic results, made once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    # With import-mode=importlib, a test's neighbours are not on the path.
    path = Path(__file__).with_name("synthetic.py")
    spec = importlib.util.spec_from_file_location("figures_synthetic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    return _load()


@pytest.fixture(scope="session")
def measures(synthetic):
    return synthetic.measures()


@pytest.fixture(scope="session")
def results(synthetic):
    return synthetic.results("learn", "control", "gratings")
