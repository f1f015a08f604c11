"""References to names of scnnbio, resolved as Python resolves them.

Docstrings and signatures name a thing as their reader would import it: ``Recording``,
``scnnbio.Recording`` or ``scnnbio.recording.Recording``. The reference describes it in one place.
"""

from __future__ import annotations

import importlib
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from docs.api_pages import documented

_LOG = logging.getLogger(__name__)
#: Roles that only a writer of a docstring uses: signatures refer to classes and objects.
_WRITTEN = ("func", "meth", "attr", "data", "mod", "exc")


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a reference that Sphinx could not resolve.

    A name of scnnbio that does not exist is a warning; any other name stays text.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    name = _documented_name(target, node.get("py:module") or "scnnbio", node.get("py:class"))
    if name is not None:
        domain = env.get_domain("py")
        kind = "mod" if name in domain.modules else "obj"
        found = domain.resolve_xref(
            env, node["refdoc"], app.builder, kind, name, pending_xref("", py_name=name), content
        )
        if found is not None:
            return found
    if node["reftype"] in _WRITTEN and not _is_private(target):
        _LOG.warning("there is no %r in the reference", target, location=node)
    return content


def _is_private(target: str) -> bool:
    return any(part.startswith("_") for part in target.split("."))


def _documented_name(target: str, module: str, cls: str | None) -> str | None:
    """Full name of an object in the reference, from a name as it is used in a module."""
    places = [importlib.import_module(module)]
    if cls is not None:
        places.insert(0, getattr(places[0], cls.rpartition(".")[2], places[0]))
    starts: list[tuple[Any, list[str]]] = [(place, target.split(".")) for place in places]
    if target.startswith("scnnbio."):
        starts = [(importlib.import_module("scnnbio"), target.split(".")[1:])]
    for value, parts in starts:
        owner = value
        found = _followed(value, parts)
        if found is None:
            continue
        owner, last = found
        thing = getattr(owner, last)
        if id(thing) in documented():
            return documented()[id(thing)]
        if id(owner) in documented():
            return f"{documented()[id(owner)]}.{last}"
    return None


def _followed(value: Any, parts: list[str]) -> tuple[Any, str] | None:
    """Owner of the last part of a dotted name, which may pass through modules not yet imported."""
    owner = value
    for part in parts:
        owner = value
        value = getattr(owner, part, None)
        if value is None:
            try:
                value = importlib.import_module(f"{owner.__name__}.{part}")
            except (ImportError, AttributeError):
                return None
    return owner, parts[-1]
