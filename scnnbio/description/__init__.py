"""Whole networks and studies as the tables of a methods section, in Markdown and LaTeX.

:func:`describe` writes the tables that Nordlie, Gewaltig & Plesser 2009 (PLoS Comput Biol
5:e1000456) propose, with equations, parameter values and units, from the description that is
simulated.
"""

from scnnbio.description.cells import Cell, Math, Table, Text
from scnnbio.description.described import Description, describe

__all__ = ["Cell", "Description", "Math", "Table", "Text", "describe"]
