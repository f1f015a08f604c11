"""Table of the features and promises of each backend, generated from the backends' declarations.

python docs/support_table.py    # writes docs/background/support.md
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

from scnnbio import backends
from scnnbio.backends.promises import SUBJECTS
from scnnbio.experiment import Experiment, Feature
from scnnbio.network import Network
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.testing.cases import case

PAGE = Path(__file__).parent / "background" / "support.md"
_HEAD = """# What each backend runs and promises

This page is written by `python docs/support_table.py` from what the backends declare, and from the
cases of the contract suite (`scnnbio.testing.contract`), which tests each feature that a
backend declares and checks that it refuses every other. `scnnbio check EXP --backend NAME` tells
whether a backend runs your experiment.

## Promises

A promise is about agreement with `reference`, which implements the [conventions](conventions.md).
`scnnbio compare` runs an experiment on several backends and reports whether each promise is kept:
two backends are compared by the weaker of their promises. Input spikes are the same
everywhere, since they are drawn before any backend runs.
"""


def page() -> str:
    """The page in Markdown."""
    return "\n".join([_HEAD, *_promises(), "\n## Support\n", *_support()]) + "\n"


def _promises() -> Iterator[str]:
    yield "| backend | of | promise | because |\n|---|---|---|---|"
    for name in backends.BACKENDS.own:
        target = backends.get(name)
        if target.neutral_options:
            listed = " and ".join(f"`{option}`" for option in sorted(target.neutral_options))
            yield f"| `{name}` | everything, whatever its {listed} | exact | |"
        for promise in target.promises:
            what = SUBJECTS[promise.subject]
            limit = promise.longest_dt
            only = f", at steps up to {limit:g} ms" if limit < math.inf else ""
            yield f"| `{name}` | {what}{only} | {promise} | {promise.why} |"


def _support() -> Iterator[str]:
    """One line per feature; reasons for refusals are notes below the table, each once."""
    names = tuple(backends.BACKENDS.own)
    notes: list[str] = []
    yield "| | " + " | ".join(f"`{name}`" for name in names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for feature, experiment in probes().items():
        cells = []
        for name in names:
            reasons = [
                f"{p.feature}; {p.remedy}" for p in backends.get(name).unsupported(experiment)
            ]
            notes += [reason for reason in reasons if reason not in notes]
            listed = ", ".join(str(notes.index(reason) + 1) for reason in dict.fromkeys(reasons))
            cells.append(f"no ({listed})" if reasons else "yes")
        yield f"| {feature} | " + " | ".join(cells) + " |"
    yield ""
    yield from (f"{number}. {note}" for number, note in enumerate(notes, start=1))


def probes() -> dict[str, Experiment]:
    """The contract's case of each feature, finer demands on it, and each neuron of the library."""
    features = {str(feature): case(feature) for feature in Feature}
    finer = {
        "an initial potential in every trial": dataclasses.replace(
            case(Feature.INITIAL_POTENTIAL), stimulus=case(Feature.RESET).stimulus
        ),
        "dt = 1 ms": dataclasses.replace(case(Feature.CONVOLUTION), dt=1.0),
    }
    neurons = {f"neuron {name}": _shown_to(LIBRARY.ours(name)) for name in LIBRARY.own}
    return features | finer | neurons


def _shown_to(neuron: NeuronModel) -> Experiment:
    """Noise before a layer of these neurons; a first receptor takes the input."""
    plain = case(Feature.CONVOLUTION)
    (source, layer), (forward,) = plain.network.populations, plain.network.projections
    made = dataclasses.replace(layer, neuron=neuron, parameters={})
    joined = dataclasses.replace(forward, receptor=next(iter(neuron.receptors)))
    return dataclasses.replace(plain, network=Network((source, made), (joined,)))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
