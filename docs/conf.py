"""Sphinx configuration: pages in Markdown, nothing executed."""

from importlib.metadata import version as installed

project = "scnnbio"
author = "The scnnbio contributors"
copyright = "The scnnbio contributors"
version = release = installed("scnnbio")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_enable_extensions = ["dollarmath"]
