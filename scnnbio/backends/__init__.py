"""Registry of backends, the simulators that run experiments; each is imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scnnbio.backends._linear import distance_to_threshold
from scnnbio.backends.base import Backend
from scnnbio.backends.options import checked
from scnnbio.errors import BackendMissing
from scnnbio.registry import Registry, subclasses

_BRIAN2 = "scnnbio.backends.brian2.backend"

#: Every backend by name: one line each here, or in the entry points of a package.
BACKENDS: Registry[type[Backend]] = Registry(
    "backend",
    "scnnbio.backends",
    {
        "reference": "scnnbio.backends.reference:ReferenceBackend",
        "event-driven": "scnnbio.backends.event_driven:EventDrivenBackend",
        "brian2": "scnnbio.backends.brian2:Brian2Backend",
        "brian2-standalone": "scnnbio.backends.brian2:Brian2StandaloneBackend",
        "nest": "scnnbio.backends.nest:NestBackend",
        "spinnaker": "scnnbio.backends.spinnaker:SpinnakerBackend",
        "torch": "scnnbio.backends.torch:TorchBackend",
    },
    subclasses(Backend, name="name"),
    BackendMissing,
)


def names() -> tuple[str, ...]:
    """Names of all backends.

    Returns
    -------
    tuple of str
        Those of scnnbio first, then those that other packages register.
    """
    return tuple(BACKENDS)


def before_forks(text: str | None) -> list[str]:
    """Modules of the backends that a text names which may be imported before a process forks.

    They are known here without an import, so that another process can import them meanwhile; the
    classes say the same (:attr:`Backend.forks`).

    Parameters
    ----------
    text : str or None
        As ``--backend`` takes it; None for the fastest.

    Returns
    -------
    list of str
    """
    # What is no text is refused where it is looked up.
    return [_BRIAN2] if text is None or (isinstance(text, str) and "brian2" in text) else []


def kind(name: str) -> type[Backend]:
    """The class of a backend, which declares its features without an instance.

    Parameters
    ----------
    name : str

    Returns
    -------
    type

    Raises
    ------
    SpecError
        If there is no backend of that name.
    BackendMissing
        If its simulator is not installed, or the package that adds it is broken.
    """
    return BACKENDS.choose(name)


def get(name: str, options: Mapping[str, Any] | None = None) -> Backend:
    """Make the backend of that name.

    Parameters
    ----------
    name : str
    options : mapping of str to object, optional
        Arguments of its constructor, as ``scnnbio backends`` lists them.

    Returns
    -------
    Backend

    Raises
    ------
    SpecError
        If there is no backend of that name, or it has no such option.
    BackendMissing
        If its simulator is not installed.
    """
    found = kind(name)
    return found(**checked(found, options or {}))


__all__ = ["BACKENDS", "Backend", "before_forks", "distance_to_threshold", "get", "kind", "names"]
