"""The neurons of the library, written out: from what ``scnnbio explain`` says of them.

python docs/models_page.py    # writes docs/background/models.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.neurons.explain import explain

PAGE = Path(__file__).parent / "background" / "models.md"
_HEAD = """# Neurons of the library

This page is written by `python docs/models_page.py`; `scnnbio explain NAME` prints the same in a
terminal, for your own neurons too, and which backends run them. Formulas are in SI; parameters are
given in PyNN's units.
"""
#: Sections whose blocks are formulas where they are no sentence.
_FORMULAS = ("equations", "closed form", "transfer functions", "equilibrium")
#: Too long to read on a page: they are printed by the command.
_LONGEST = 900


def page() -> str:
    """The page in Markdown."""
    return (
        "\n".join([_HEAD, *(line for name in LIBRARY.own for line in _model(LIBRARY.ours(name)))])
        + "\n"
    )


def _model(model: NeuronModel) -> Iterator[str]:
    yield f"## {model.name}\n"
    for section in explain(model, latex=True):
        yield f"**{section.title.capitalize()}**\n"
        if section.title in _FORMULAS:
            yield from map(_block, section.blocks)
        else:
            yield "```text\n" + "\n".join(section.blocks) + "\n```\n"


def _block(block: str) -> str:
    if "\\" not in block and "=" not in block:
        return f"{block}\n"
    if len(block) > _LONGEST:
        return "A formula too long for this page: see the command.\n"
    return f"$$\n{block}\n$$\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
