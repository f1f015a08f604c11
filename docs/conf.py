"""Sphinx configuration: pages in Markdown, the reference from docstrings, hands-on pages run."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from docs import api_pages, references

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

from scnnbio import __version__

project = "scnnbio"
author = "The scnnbio contributors"
copyright = "The scnnbio contributors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
# Types of arguments stand in their docstrings, with shape and unit.
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
html_theme = "furo"
myst_enable_extensions = ["dollarmath"]
# Formulas become MathML when the pages are built: they are read without a network and a script.
html_math_renderer = "mathml"


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _block(translator: Any, node: Any) -> None:
    # What is wider than the page is moved by itself.
    formula = tex2mathml(node.astext()).replace("<math", '<math display="block"', 1)
    translator.body.append(f'<div class="math" style="overflow-x: auto">{formula}</div>\n')
    raise SkipNode


def setup(app: Any) -> None:
    """Register the renderer of formulas, the pages of the reference and the resolver of names."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("builder-inited", lambda _: api_pages.write())
    app.add_post_transform(references.FullNames)
    app.connect("missing-reference", references.unresolved)
