"""The summary of a model (table A)."""

from __future__ import annotations

from collections.abc import Sequence

from scnnbio.description.cells import Line, Part, Table, cell, line, names, number, size
from scnnbio.description.connections import kinds, synapses
from scnnbio.description.fields import said_of
from scnnbio.experiment import Stage
from scnnbio.network import Network
from scnnbio.population import Population

#: Most names that are listed in the summary; the other tables have all.
_MOST = 8


def summary_table(
    networks: Sequence[Network], users: Sequence[Sequence[str]], stages: Sequence[Stage]
) -> Table:
    """Table A: one line on each of the other tables."""
    populations = list(dict.fromkeys(p for n in networks for p in n.populations))
    projections = list(dict.fromkeys(p for n in networks for p in n.projections))
    models = list(dict.fromkeys(p.neuron.name for p in populations if not p.is_source))
    rules = [said_of(p.plasticity) for p in projections if p.plasticity is not None]
    rules += [said_of(p.homeostasis) for p in populations if p.homeostasis is not None]
    rules += [said_of(p.competition) for p in populations if p.competition is not None]
    trained = [e for e in (s.experiment.training for s in stages) if e is not None]
    rules += [f"training by gradient: {said_of(one)}" for one in trained]
    inputs = [said_of(given) for s in stages for given in s.experiment.inputs.values()]
    inputs += [said_of(noise) for p in populations for noise in p.noise]
    recorded = {name for s in stages for name in s.experiment.record.spikes}
    signals = {v for s in stages for one in s.experiment.record.signals for v in one.variables}
    measured = [f"spikes of {_some(sorted(recorded))}"] if recorded else []
    measured += [f"sampled {_some(sorted(signals))}"] if signals else []
    rows = {
        "Populations": cell(_some([p.name for p in populations])),
        "Topology": cell(_topology(populations)),
        "Connectivity": cell(*kinds(projections)),
        "Neuron model": cell(_some(models)),
        "Channel models": cell(),
        "Synapse model": cell(*_synapses(populations)),
        "Plasticity": cell(*dict.fromkeys(rules)),
        "Input": cell(*dict.fromkeys(inputs)),
        "Measurements": cell(*measured),
        "Size": cell(*_sizes(networks)),
        "Identity": cell(*_digests(networks, users)),
    }
    told = tuple((cell(name), content if content.lines else cell("none"))
                 for name, content in rows.items())  # fmt: skip
    return Table("A", "Model summary", ("Part", "Content"), told, (0.2, 0.8))


def _digests(networks: Sequence[Network], users: Sequence[Sequence[str]]) -> list[str]:
    several = len(networks) > 1
    return [
        f"SHA-256 of the network{f' of {names(own)}' if several else ''}: {network.digest()}"
        for network, own in zip(networks, users, strict=True)
    ]


def _some(given: Sequence[str]) -> str:
    """A few names, after their number."""
    given = list(dict.fromkeys(given))
    if len(given) <= _MOST:
        return names(given)
    return f"{len(given)}: {names(given[:_MOST])} and others"


def _topology(populations: Sequence[Population]) -> Line:
    shapes = list(dict.fromkeys(p.shape for p in populations))
    parts: list[Part] = ["layers of channels, rows and columns: "]
    for shape in shapes[:_MOST]:
        parts += [size(shape), ", "]
    return line(*parts[:-1], " and others" if len(shapes) > _MOST else "")


def _synapses(populations: Sequence[Population]) -> list[str]:
    acts = {"nA": "current", "uS": "conductance", "mV": "jump of the potential", "1": "gate"}
    found: dict[str, None] = {}
    for population in populations:
        if not population.is_source:
            for receptor, state in population.model.receptors.items():
                kind = acts.get(population.model.unit_of(state), "other")
                found[f"{receptor}: {kind} ({state})"] = None
    return list(found)


def _sizes(networks: Sequence[Network]) -> list[Line]:
    lines: dict[Line, None] = {}
    for network in networks:
        neurons = sum(p.size for p in network.populations if not p.is_source)
        sources = sum(p.size for p in network.sources)
        edges = sum(synapses(p.connector) for p in network.projections)
        lines[line(
            number(neurons), " neurons, ", number(sources), " units of sources, ", number(edges),
            " synapses",
        )] = None  # fmt: skip
    return list(lines)
