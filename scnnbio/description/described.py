"""A whole network or study as the tables of a methods section.

The tables are those of Nordlie, Gewaltig & Plesser 2009, PLoS Comput Biol 5:e1000456: A model
summary, B populations, C connectivity, D neuron and synapse model, E plasticity, F input, G
measurements; and H, the simulation.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

from scnnbio.description.cells import Cell, Table, line, names
from scnnbio.description.connections import connections_tables
from scnnbio.description.latex import latex
from scnnbio.description.layers import neurons_tables, populations_table
from scnnbio.description.learning import plasticity_tables, with_training
from scnnbio.description.markdown import markdown
from scnnbio.description.protocol import (
    input_table,
    measurements_table,
    simulation_table,
)
from scnnbio.description.summary import summary_table
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Stage, Study
from scnnbio.network import Network


@dataclass(frozen=True)
class Description:
    """Tables that describe a network or a study.

    Parameters
    ----------
    title : str
    tables : tuple of Table
        In the order of their sections, A to H.
    """

    title: str
    tables: tuple[Table, ...]

    def __repr__(self) -> str:
        rows = sum(len(table.rows) for table in self.tables)
        return f"Description({self.title!r}: {len(self.tables)} tables of {rows} rows)"

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """The tables in Markdown, as GitHub and pandoc read it; formulas between dollar signs."""
        return markdown(self.title, self.tables)

    def latex(self, *, whole: bool = True) -> str:
        """The tables in LaTeX, in plain ASCII.

        Parameters
        ----------
        whole : bool
            A document that compiles as it is. False gives the tables alone, for a document of your
            own, which needs the packages amsmath, array and longtable, and T1 fonts.
        """
        return latex(self.title, self.tables, whole=whole)


def describe(subject: Network | Experiment | Study) -> Description:
    """Describe a network, an experiment or a study by the tables of a methods section.

    Parameters
    ----------
    subject : Network, Experiment or Study
        Of a network alone there is no input, measurement or simulation. The stages of a study may
        have different networks: then rows that are not of all of them name their stages.

    Returns
    -------
    Description

    Raises
    ------
    SpecError
        If the subject is something else.

    References
    ----------
    Nordlie, Gewaltig & Plesser 2009, PLoS Comput Biol 5:e1000456.

    Examples
    --------
    >>> import scnnbio
    >>> found = scnnbio.describe(scnnbio.load("v1_grating"))
    >>> [table.title for table in found.tables if table.section == "C"]
    ['Connectivity', 'Weights, delays and synapses']
    """
    if isinstance(subject, Network):
        return Description("network", _tables([subject], [[]], [], None))
    if isinstance(subject, Experiment):
        stage = Stage(subject, subject.network)
        return Description(subject.stage, _tables([subject.network], [[]], [stage], None))
    if not isinstance(subject, Study):
        raise SpecError(
            f"{reprlib.repr(subject)} is not a Network, an Experiment or a Study; load a document"
            " with scnnbio.load",
            where="describe",
        )
    networks: dict[Network, list[str]] = {}
    for stage in subject.stages:
        networks.setdefault(stage.network, []).append(stage.name)
    title = f"{subject.name}: {subject.title}" if subject.title else subject.name
    return Description(
        title, _tables(list(networks), list(networks.values()), subject.stages, subject)
    )


def _tables(
    networks: Sequence[Network],
    users: Sequence[list[str]],
    stages: Sequence[Stage],
    study: Study | None,
) -> tuple[Table, ...]:
    each = [
        (
            populations_table(network.populations),
            *connections_tables(network),
            *neurons_tables(network.populations),
            *plasticity_tables(network),
        )
        for network in networks
    ]
    *joined, rules, parameters = (_merged(tables, users) for tables in zip(*each, strict=True))
    return (
        summary_table(networks, users, stages),
        *joined,
        *with_training((rules, parameters), stages),
        input_table(stages, networks),
        measurements_table(stages, study),
        simulation_table(stages),
    )


def _merged(tables: Sequence[Table], users: Sequence[list[str]]) -> Table:
    """One table of several networks; rows that are not of all of them name their stages."""
    first = tables[0]
    stages: dict[tuple[Cell, ...], list[str]] = {}
    order: list[tuple[Cell, ...]] = []
    for table, own in zip(tables, users, strict=True):
        place = 0
        for row in table.rows:
            if row in stages:
                place = order.index(row) + 1
                stages[row] += own
            else:
                order.insert(place, row)
                place += 1
                stages[row] = list(own)
    every = sum(len(own) for own in users)
    rows = (
        row if len(set(stages[row])) == every else (_in(row[0], stages[row]), *row[1:])
        for row in order
    )
    return Table(first.section, first.title, first.head, tuple(rows), first.widths)


def _in(first: Cell, stages: list[str]) -> Cell:
    return Cell(
        (*first.lines, line(f"(stage{'s' if len(set(stages)) > 1 else ''} {names(stages)})"))
    )
