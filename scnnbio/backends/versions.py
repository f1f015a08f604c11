"""Versions of the packages that a run depends on, for its provenance."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Iterable, Iterator
from typing import Any

from scnnbio.experiment import Experiment
from scnnbio.neurons import LIBRARY
from scnnbio.registry import extensions
from scnnbio.values import canonical

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
    return found | {package: _version(package) for package in (*_PACKAGES, *packages)}


# Read once: a process keeps what it imported, whatever is installed meanwhile.
@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def versions_of_extensions(backend: object, experiment: Experiment) -> dict[str, str]:
    """Versions of the packages that add what a run is made of.

    Parameters
    ----------
    backend : Backend
    experiment : Experiment

    Returns
    -------
    dict of str to str
        Package → version. Empty where all of it is scnnbio's own.
    """
    known = extensions()
    if not known:
        return {}
    modules = {type(backend).__module__, *_modules(canonical(experiment))}
    used = {known.get(module.partition(".")[0]) for module in modules}
    neurons = {population.neuron.name for population in experiment.network.populations}
    used |= {e.package for e in LIBRARY.entries() if not e.ours and e.name in neurons}
    return dict(package.rsplit(" ", 1) for package in sorted(filter(None, used)))


def _modules(form: Any) -> Iterator[str]:
    """Names of the classes in a canonical form; those of other packages begin with a module."""
    if isinstance(form, dict):
        if isinstance(form.get("class"), str):
            yield form["class"]
        for item in form.values():
            yield from _modules(item)
    elif isinstance(form, list):
        for item in form:
            yield from _modules(item)
