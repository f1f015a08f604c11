"""``scnnbio explain``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from scnnbio.cli.common import app, completions
from scnnbio.cli.terminal import console, print_table
from scnnbio.errors import SpecError
from scnnbio.experiment import documents
from scnnbio.experiment.networks import neuron_from
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.neurons.standard import standard_cell


@app.command()
def explain(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A neuron of the library, or a TOML file that describes one.",
            autocompletion=completions(lambda: LIBRARY),
        ),
    ],
    latex: Annotated[bool, typer.Option(help="Write formulas as LaTeX.")] = False,
) -> None:
    """Print a neuron's equations, the quantities they imply, and the backends that run it."""
    from scnnbio.backends.targets import targets
    from scnnbio.neurons.explain import explain as explain_model

    neuron = neuron_named(model)
    for section in explain_model(neuron, latex=latex):
        console.print(Text(section.title, style="bold"))
        console.print("\n".join(section.blocks), soft_wrap=True)
        console.print()
    console.print(Text("targets", style="bold"))
    rows = [(name, f"no: {lack}" if lack else "yes") for name, lack in targets(neuron).items()]
    print_table(("backend", "runs it"), rows)
    cell = standard_cell(neuron)
    if cell is not None:
        receptors = " and ".join(cell.receptors)
        console.print(f"equivalent PyNN cell: {cell.pynn}, for {receptors} synapses")


def neuron_named(model: str) -> NeuronModel:
    """The neuron of a name of the library, or of a TOML file."""
    if os.path.exists(model) or model.endswith(".toml"):
        found = neuron_from(documents.read(Path(model)), model)
    else:
        found = documents.choose(LIBRARY, model, "neuron of the library", "MODEL")
    if not isinstance(found, NeuronModel):
        raise SpecError("is a spike source, which has no equations; name a neuron", where=model)
    return found
