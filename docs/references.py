"""References to names of scnnbio, resolved as Python resolves them.

Docstrings and signatures name a thing as their reader would import it: ``Recording``,
``scnnbio.Recording`` or ``scnnbio.recording.Recording``. The reference describes it in one place.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from docs.api_pages import documented, packages

_LOG = logging.getLogger(__name__)
#: Roles that only a writer of a docstring uses: signatures refer to classes and objects.
_WRITTEN = ("func", "meth", "attr", "data", "mod", "exc")


class FullNames(SphinxPostTransform):
    """Replaces the name in a reference by the name under which the reference has the object."""

    default_priority = 5  # before Sphinx resolves references

    def run(self, **kwargs: Any) -> None:
        """Look at each reference to a Python object."""
        objects = self.env.get_domain("py").objects
        modules = self.env.get_domain("py").modules
        for node in self.document.findall(pending_xref):
            if node.get("refdomain") != "py":
                continue
            for name in _candidates(node):
                if name in objects or name in modules:
                    node["reftarget"] = name
                    node["reftype"] = "mod" if name in modules else "obj"
                    break
            # No search through all names that end like this one.
            node.attributes.pop("refspecific", None)


def unresolved(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Warn of a name that the reference lacks; names of other packages and of types stay text."""
    if node.get("refdomain") != "py":
        return None
    private = any(part.startswith("_") for part in node["reftarget"].split("."))
    if node["reftype"] in _WRITTEN and not private:
        _LOG.warning("there is no %r in the reference", node["reftarget"], location=node)
    return content


def _candidates(node: pending_xref) -> list[str]:
    """Full names that a reference may mean: the object, then what it belongs to."""
    target: str = node["reftarget"]
    module = importlib.import_module(node.get("py:module") or "scnnbio")
    inside = getattr(module, (node.get("py:class") or "").rpartition(".")[2], None)
    parts = target.split(".")
    if parts[0] == "scnnbio":
        return _names(importlib.import_module("scnnbio"), parts[1:]) or _above(target)
    for start in (inside, module):
        if start is not None and (found := _names(start, parts)):
            return found
    # A docstring may use a name of the module that defines it, which only type checkers import.
    full = _by_last_name().get(parts[0], [])
    return [".".join([full[0], *parts[1:]]), full[0]] if len(full) == 1 else []


def _names(value: Any, parts: list[str]) -> list[str]:
    """Full names of a part of an object, and of its owner."""
    owner = value
    for part in parts:
        owner = value
        if part in getattr(owner, "__dataclass_fields__", ()):
            value = None  # a field, which need not be an attribute of the class
            continue
        value = getattr(owner, part, None)
        if value is None:
            try:
                value = importlib.import_module(f"{owner.__name__}.{part}")
            except (ImportError, AttributeError):
                return []
    found = [documented()[id(value)]] if id(value) in documented() else []
    if id(owner) in documented():
        found += [f"{documented()[id(owner)]}.{parts[-1]}", documented()[id(owner)]]
    return found


def _above(target: str) -> list[str]:
    """A module that has no entry of its own, and the packages above it."""
    above = target
    while above and above not in packages():
        above = above.rpartition(".")[0]
    return [target, above]


@functools.cache
def _by_last_name() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for full in documented().values():
        found.setdefault(full.rpartition(".")[2], []).append(full)
    return found
