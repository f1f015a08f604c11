"""Sphinx configuration: pages in Markdown, the reference from docstrings, hands-on pages run."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

from docs import answers, api_pages, references
from scnnbio import __version__

project = "scnnbio"
author = "The scnnbio contributors"
copyright = "The scnnbio contributors"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
# Hands-on pages run when the site is built; a page that has not changed is not run again.
nb_execution_mode = "cache"
# The kernel of a page shows figures on the page, whatever the caller draws on (it inherits this).
os.environ.pop("MPLBACKEND", None)
nb_execution_cache_path = str(Path(__file__).parent / "_build" / ".jupyter_cache")
nb_execution_raise_on_error = True
# Seconds of a cell, on a machine that does other things too.
nb_execution_timeout = 600
nb_merge_streams = True
# What is not installed cannot be run: those pages then show their code alone.
_NEEDS = {"torch": ("conversion", "surrogate"), "nest": ("simulators",), "pynwb": ("recorded",)}
nb_execution_excludepatterns = [
    f"*hands_on/{page}.md"
    for module, pages in _NEEDS.items()
    if find_spec(module) is None
    for page in pages
]
exclude_patterns = ["_build", "site", "jupyter_execute", "**/.ipynb_checkpoints"]
autodoc_member_order = "bysource"
autosummary_generate = False
# Each page of the reference begins with a list of its names; the side bar would hold thousands.
toc_object_entries = False
# Types of arguments stand in their docstrings, with shape and unit.
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
html_theme = "furo"
html_static_path = ["site"]
html_css_files = ["site.css"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
# Formulas become MathML when the pages are built: they are read without a network and a script.
html_math_renderer = "mathml"


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _block(translator: Any, node: Any) -> None:
    formula = tex2mathml(node.astext()).replace("<math", '<math display="block"', 1)
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise SkipNode


def _without_units(*given: Any) -> tuple[str, str] | None:
    """Types in a signature as they are read: units stand in the docstring."""
    signature, returned = given[-2:]
    if signature is None:
        return None
    plain = re.sub(r"Annotated\[(.+?), In\([^)]*\)\]", r"\1", signature)
    return plain, returned


def setup(app: Any) -> None:
    """Register the renderer of formulas, the pages of the reference and the resolver of names."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_directive("dropdown", answers.Dropdown)
    if "sphinx.ext.autodoc" in app.extensions:
        # Before anything looks at the sources.
        app.connect("autodoc-process-signature", _without_units)
        app.connect("config-inited", lambda *_: api_pages.write())
    app.add_post_transform(references.FullNames)
    app.connect("missing-reference", references.unresolved)
