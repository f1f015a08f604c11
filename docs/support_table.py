"""Which backend runs what, and what it promises: written from the backends' own answers.

python docs/support_table.py    # writes docs/background/support.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio import backends, stimuli
from scnnbio.backends.promises import SUBJECTS
from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    FixedInDegree,
    Gaussian,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
)
from scnnbio.distributions import LogNormal, Uniform
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.plasticity import (
    LearningRule,
    Normalisation,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource

PAGE = Path(__file__).parent / "background" / "support.md"
_HEAD = """# What each backend runs and promises

This page is written by `python docs/support_table.py` from what the backends themselves answer;
`scnnbio check EXP --backend NAME` asks them about an experiment of yours.

## Promises

A promise is held against the [conventions](conventions.md) that `reference` writes out. `scnnbio
compare` runs an experiment on several backends and says of each promise whether it is kept: two
backends are held against each other by the weaker promise of the two. Input spikes are the same
everywhere, since they are drawn before any backend runs.
"""


def page() -> str:
    """The page in Markdown."""
    return "\n".join([_HEAD, *_promises(), "\n## Support\n", *_support()]) + "\n"


def _promises() -> Iterator[str]:
    yield "| backend | of | promise | because |\n|---|---|---|---|"
    for name in backends.names():
        target = backends.get(name)
        if target.neutral_options:
            told = " and ".join(f"`{option}`" for option in sorted(target.neutral_options))
            yield f"| `{name}` | everything, whatever its {told} | exact | |"
        for promise in target.promises:
            what = SUBJECTS[promise.subject]
            limit = promise.longest_dt
            only = f", at steps up to {limit:g} ms" if limit < math.inf else ""
            yield f"| `{name}` | {what}{only} | {promise} | {promise.why} |"


def _support() -> Iterator[str]:
    """One line a feature; what is lacking is told below the table, each reason once."""
    names = backends.names()
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
            told = ", ".join(str(notes.index(reason) + 1) for reason in dict.fromkeys(reasons))
            cells.append(f"no ({told})" if reasons else "yes")
        yield f"| {feature} | " + " | ".join(cells) + " |"
    yield ""
    yield from (f"{number}. {note}" for number, note in enumerate(notes, start=1))


def probes() -> dict[str, Experiment]:
    """One small experiment a feature."""
    layer = (2, 6, 6)
    per_channel = {"tau_m": [10.0, 20.0], "v_thresh": [-50.0, -52.0]}
    found = {
        "convolution, currents that decay": _probe(),
        "kernels of both signs": _probe(signed=True),
        "lateral inhibition": _probe(lateral=True),
        "stride, padding": _probe(stride=2, padding=1),
        "inhibition by distance": _probe(lateral=True, profile=Gaussian(1.5)),
        "kernel in space and time (lags)": _probe(
            connector=ConvolutionConnector(np.ones((2, 2, 3, 3, 2)), layer, lags=[0.0, 5.0])
        ),
        "groups of channels": _probe(
            connector=ConvolutionConnector(np.ones((2, 1, 3, 3)), layer, groups=2)
        ),
        "pooling by sum or average": _probe(connector=PoolingConnector(layer, 2)),
        "pooling by the first spike": _probe(
            connector=PoolingConnector(layer, 2, mode="first-spike")
        ),
        "dense connections": _probe(connector=DenseConnector(np.ones((4, 72)), layer)),
        "a kernel of its own at each place": _probe(
            connector=LocalConnector(np.ones((2, 4, 4, 2, 3, 3)), layer)
        ),
        "a list of connections, with lags": _probe(
            connector=EdgeListConnector(
                layer, layer, FixedInDegree(4, seed=1), lag=np.arange(288) % 2 * 5.0
            )
        ),
        "a parameter a channel": _probe(parameters=per_channel),
        "a parameter per neuron": _probe(parameters={"tau_m": LogNormal("16 ms", 0.3, seed=1)}),
        "initial potentials per neuron": _probe(
            trials=1, initial={"v": Uniform("-65 mV", "-55 mV", seed=1)}
        ),
        "initial values in every trial": _probe(initial={"v": "-60 mV"}),
        "initial values of other states": _probe(trials=1, initial={"I_exc": "0.1 nA"}),
        "trials that run on": _probe(reset=False),
        "a single trial": _probe(trials=1),
        "sampled states": _probe(sampled=True),
        "dt = 1 ms": _probe(dt=1.0),
        "SharedSTDP": _probe(plasticity=SharedSTDP()),
        "SharedSTDP, nearest": _probe(plasticity=SharedSTDP(pairing="nearest")),
        "SharedSTDP, power bounds": _probe(plasticity=SharedSTDP(bounds="power", mu=0.1)),
        "TripletSTDP": _probe(plasticity=TripletSTDP(w_min=-1.0)),
        "TraceRule": _probe(
            plasticity=TraceRule(traces={"x": Trace("pre", 20.0)}, on_post="0.01*x*(1 - w)")
        ),
        "Normalisation": _probe(plasticity=SharedSTDP(normalisation=Normalisation(5.0))),
        "WinnerTakeAll": _probe(competition=WinnerTakeAll(silence=True)),
        "SharedThreshold": _probe(homeostasis=SharedThreshold(eta=0.1, target=10.0)),
    }
    return found | {f"neuron {name}": _probe(neuron) for name, neuron in LIBRARY.items()}


def _probe(
    neuron: NeuronModel = LIBRARY["LIF"],
    *,
    signed: bool = False,
    lateral: bool = False,
    profile: Gaussian | None = None,
    connector: KernelConnector | None = None,
    stride: int = 1,
    padding: int = 0,
    trials: int = 2,
    sampled: bool = False,
    dt: float = 0.1,
    reset: bool = True,
    plasticity: LearningRule | None = None,
    **layer: Any,
) -> Experiment:
    """Noise before one small layer; a first receptor takes the input."""
    kernel = np.random.default_rng(0).uniform(-0.9 * signed, 0.9, (2, 2, 3, 3))
    if connector is None:
        connector = ConvolutionConnector(kernel, (2, 6, 6), stride=stride, padding=padding)
    receptor = next(iter(neuron.receptors))
    layers = (
        Population("lgn", (2, 6, 6), SpikeSource()),
        Population("v1", connector.out_shape, neuron, **layer),
    )
    forward = Projection("lgn", "v1", connector, receptor=receptor, plasticity=plasticity)
    projections = [forward]
    if lateral:
        scope = "maps" if profile is None else "both"
        reach = 0 if profile is None else 2
        rivals = LateralInhibitionConnector(connector.out_shape, scope, reach, profile=profile)
        projections.append(Projection("v1", "v1", rivals, weight=-1.0, receptor="inhibitory"))
    signals = (Sampling("v1", (neuron.states[0].name,), period=1.0),) if sampled else ()
    return Experiment(
        Network(layers, tuple(projections)),
        stimuli.WhiteNoise(n_trials=trials, duration=40.0, frame=20.0),
        Encoding(LGN(), PoissonCode()),
        Record(spikes=("v1",), signals=signals),
        dt=dt,
        reset=reset,
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
