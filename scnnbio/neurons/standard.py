"""Models of the library that equal standard cell types of PyNN.

A test verifies each declared equivalence, for every simulator that uses it, by comparing spikes.
"""

from __future__ import annotations

from dataclasses import dataclass

from scnnbio.neurons.library import LIBRARY
from scnnbio.neurons.model import NeuronModel


@dataclass(frozen=True)
class StandardCell:
    """A cell type of PyNN that computes what a model's equations say.

    Parameters
    ----------
    pynn : str
        Name of the cell type in PyNN; its parameters have the model's names and units.
    receptors : tuple of str
        The model's receptors that the cell has. A model with other receptors in use does not equal
        this cell.
    """

    pynn: str
    receptors: tuple[str, ...]


_CURRENTS = StandardCell("IF_curr_exp", ("excitatory", "inhibitory"))
_JUMPS = StandardCell("IF_curr_delta", ("membrane",))

#: Name of a library model → the standard cells that it equals, depending on the receptors in use.
#: PyNN has no cell without leak.
STANDARD_CELLS = {
    "LIF": (_CURRENTS, _JUMPS),
    "LIF_curr_alpha": (StandardCell("IF_curr_alpha", ("excitatory", "inhibitory")),),
    "LIF_curr_delta": (_JUMPS,),
    "LIF_cond_exp": (StandardCell("IF_cond_exp", ("excitatory", "inhibitory")),),
}


def standard_cells(model: NeuronModel) -> tuple[StandardCell, ...]:
    """The standard cells that a model equals, each with the receptors for which it does.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    tuple of StandardCell

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> [cell.pynn for cell in standard_cells(LIF)]
    ['IF_curr_exp', 'IF_curr_delta']
    """
    cells = STANDARD_CELLS.get(model.name, ())
    # A user's model may have the name of a library model, with other equations.
    return cells if cells and LIBRARY.ours(model.name) == model else ()


def standard_cell(model: NeuronModel) -> StandardCell | None:
    """The first of the standard cells that a model equals, or None.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    StandardCell or None

    Examples
    --------
    >>> from scnnbio.neurons import LIF
    >>> standard_cell(LIF).pynn
    'IF_curr_exp'
    """
    return next(iter(standard_cells(model)), None)
