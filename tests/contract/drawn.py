"""Random networks, drawn by hypothesis, and several of them side by side in one experiment.

A network is one or two layers behind a source that all share, named ``net0_a``, ``net0_b``,
``net1_a``, ... Its numbers are of two kinds: those that a program of brian2-standalone is compiled
with, and its *data*, the kernels, which the program reads.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import pprint
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scnnbio.connectors import (
    ConvolutionConnector,
    DifferenceOfGaussians,
    Gaussian,
    KernelConnector,
    LateralInhibitionConnector,
    PoolingConnector,
)
from scnnbio.encoding import LGN, Encoding, LatencyCode, PoissonCode
from scnnbio.experiment import Experiment, Record
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
from scnnbio.stimuli import Photographs
from tests.contract.driven import weight

#: The source of every network.
SOURCE = (2, 6, 7)

#: Each form of a rule is a module of NEST; the numbers in it are drawn.
_RULES = ("none", "none", "none", "soft", "hard", "nearest", "triplets", "traces")
#: Models that are also compiled with a threshold that moves, or with a competition.
_HOMEOSTATIC, _COMPETING = ("LIF", "LIF_cond_exp"), ("LIF",)
_SCALED = ("cm", "tau_m", "tau_syn_E", "tau_syn_I", "tau_syn", "tau_sfa", "tau_w")


@dataclass(frozen=True)
class Drawn:
    """Everything that decides one network: choices and numbers, from which it is built."""

    model: str
    second: str
    kind: str
    maps: int
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lags: tuple[int, ...]
    groups: int
    delay: int
    scale: float
    signed: bool
    inhibits: bool
    lateral: str
    profile: int
    onward: str
    pool: tuple[int, int]
    window: bool
    rule: str
    homeostasis: bool
    competes: bool
    free: bool
    by_channel: bool
    seed: int

    def structure(self) -> Drawn:
        """The choices that this network makes use of: two that differ elsewhere are alike."""
        near = self.lateral in ("neighbourhood", "both")
        unused: dict[str, Any] = {"seed": 0}
        if not self.onward:
            unused |= {"second": "", "pool": (1, 1)}
        if not near and not self.competes:
            unused["profile"] = 0
        timed = self.onward == "first-spike" or self.rule in ("soft", "hard", "nearest")
        if not timed and not self.competes:
            unused["window"] = False
        if self.rule != "none":
            unused["signed"] = False
        return dataclasses.replace(self, **unused)

    def __str__(self) -> str:
        return pprint.pformat(asdict(self), sort_dicts=False)


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    """Any network of one or two layers."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kind = draw(st.sampled_from(["convolution", "lags", "groups", "stride"]))
    rule = draw(st.sampled_from(_RULES))
    name = draw(st.sampled_from(sorted(LIBRARY)))
    control = ["", "homeostasis"] if name in _HOMEOSTATIC else [""]
    chosen = draw(st.sampled_from([*control, *(["competes"] if name in _COMPETING else [])]))
    return Drawn(
        model=name,
        second=draw(st.sampled_from(sorted(LIBRARY))),
        kind=kind,
        maps=draw(st.integers(1, 3)),
        size=draw(pair),
        stride=draw(pair) if kind == "stride" else (1, 1),
        padding=draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        lags=draw(st.sampled_from([(0, 1), (0, 3, 4), (2, 9)])) if kind == "lags" else (),
        groups=2 if kind == "groups" else 1,
        delay=draw(st.integers(1, 12)),
        scale=draw(st.floats(1.0, 2.5)),
        signed=draw(st.booleans()),
        inhibits=draw(st.booleans()),
        lateral=draw(st.sampled_from(["", "maps", "neighbourhood", "both"])),
        profile=draw(st.integers(0, 3)),
        onward=draw(st.sampled_from(["", "convolution", "sum", "average", "first-spike"])),
        pool=draw(pair),
        window=draw(st.booleans()),
        rule=rule,
        homeostasis=chosen == "homeostasis",
        competes=chosen == "competes",
        free=draw(st.booleans()),
        by_channel=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@functools.cache
def several(count: int) -> tuple[Drawn, ...]:
    """So many networks, no two of them alike, of every model and with every rare part.

    They are the same ones in every process that has imported the same modules: Hypothesis draws
    some numbers from the constants in a project's modules.
    """
    found: dict[Drawn, Drawn] = {}

    @settings(
        max_examples=16 * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(networks())
    def collect(drawn: Drawn) -> None:
        found.setdefault(drawn.structure(), drawn)

    collect()
    # Hypothesis draws some models more often than others: as many of each here.
    of_model: dict[str, list[Drawn]] = {}
    for drawn in found.values():
        of_model.setdefault(drawn.model, []).append(drawn)
    for drawings in of_model.values():
        for part in ("competes", "homeostasis"):  # the first with each rare part is chosen
            rare = next((k for k, drawn in enumerate(drawings) if getattr(drawn, part)), 0)
            drawings.insert(0, drawings.pop(rare))
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*of_model.values()))
    chosen = [drawn for drawn in in_turn if drawn is not None][:count]
    if len(chosen) < count:
        raise RuntimeError(f"hypothesis drew {len(chosen)} different networks instead of {count}")
    return tuple(chosen)


@dataclass(frozen=True)
class Setting:
    """What networks in one experiment have in common."""

    dt: float
    reset: bool
    latency: bool
    seed: int

    def experiment(self, drawn: Sequence[Drawn], data: int = 0) -> Experiment:
        """The networks side by side, with input and data of that number."""
        populations, projections = [Population("lgn", SOURCE, SpikeSource())], []
        for k, one in enumerate(drawn):
            ours, theirs = _built(one, f"net{k}", self.dt, data)
            populations += ours
            projections += theirs
        code = (
            LatencyCode(budget=40, window=18.0, onset=1.0)
            if self.latency
            else PoissonCode(gain=60.0)
        )
        return Experiment(
            Network(tuple(populations), tuple(projections)),
            Photographs(n_trials=2, duration=24.0),
            Encoding(LGN(sigma_center=1.0, sigma_surround=2.0, normalisation_sigma=3.0), code),
            Record(spikes=tuple(p.name for p in populations)),
            dt=self.dt,
            seed=self.seed + data,
            reset=self.reset,
        )


def _built(d: Drawn, name: str, dt: float, data: int) -> tuple[list[Population], list[Projection]]:
    rng, own = np.random.default_rng([d.seed, data]), np.random.default_rng([d.seed])
    first = _first(d, rng, dt)
    a, b = f"{name}_a", f"{name}_b"
    model = LIBRARY[d.model]
    populations = [_controlled(_population(a, first, d.model, d.by_channel, own, dt), d)]
    receptor = _excites(model)
    # Kernels of any size drive about as well.
    strength = d.scale * weight(model, receptor) * 9.0 / np.prod(first.kernel.shape[1:4])
    plasticity = _rule(d, np.random.default_rng(d.seed))
    projections = [
        Projection(
            "lgn", a, first, weight=strength, delay=d.delay * dt,
            receptor=receptor, plasticity=plasticity, name=f"{name}_in",
        )
    ]  # fmt: skip
    if d.inhibits and (onto := _inhibits(model)):
        share = np.abs(rng.uniform(0.1, 0.6, (*first.kernel.shape[:4],)))
        other = ConvolutionConnector(
            share, SOURCE, stride=d.stride, padding=first.padding, groups=d.groups
        )
        projections.append(
            Projection("lgn", a, other, weight=weight(model, onto), delay=(d.delay + 1) * dt,
                       receptor=onto, name=f"{name}_off")
        )  # fmt: skip
    lateral = _lateral(d, tuple(first.out_shape))
    if lateral is not None and (onto := _inhibits(model)):
        projections.append(
            Projection(a, a, lateral, weight=2 * weight(model, onto), delay=(1 + d.delay // 3) * dt,
                       receptor=onto, name=f"{name}_within")
        )  # fmt: skip
    onward = _onward(d, tuple(first.out_shape), rng, dt)
    if onward is not None:
        populations.append(_population(b, onward, d.second, d.by_channel, own, dt))
        onto = _excites(LIBRARY[d.second])
        strength = 4.0 * d.scale * weight(LIBRARY[d.second], onto)
        projections.append(
            Projection(a, b, onward, weight=strength, delay=(1 + d.delay // 2) * dt, receptor=onto,
                       name=f"{name}_on")
        )  # fmt: skip
    return populations, projections


def _first(d: Drawn, rng: np.random.Generator, dt: float) -> KernelConnector:
    # A layer of the source's size takes any kernel of three by three.
    shape = (d.groups * d.maps, SOURCE[0] // d.groups, *d.size, *([len(d.lags)] if d.lags else []))
    values = rng.uniform(0.1, 0.9, shape)
    model = LIBRARY[d.model]
    # A conductance is never negative.
    current = model.unit_of(model.receptors[_excites(model)]) != "uS"
    if d.signed and d.rule == "none" and current:
        values -= 0.25
    return ConvolutionConnector(
        values,
        SOURCE,
        stride=d.stride,
        padding=d.padding,
        lags=[lag * dt for lag in d.lags] if d.lags else None,
        groups=d.groups,
    )


def _lateral(d: Drawn, shape: tuple[int, ...]) -> KernelConnector | None:
    profile: Any = [None, Gaussian(1.2), DifferenceOfGaussians(2.0, 0.5, 0.9), (1.0, 0.5, 0.25)][
        d.profile
    ]
    farthest = max(shape[1:]) - 1
    if not d.lateral or (d.lateral != "neighbourhood" and shape[0] == 1 and not farthest):
        return None
    if d.lateral == "maps":
        return LateralInhibitionConnector(shape, "maps", strength=0.5) if shape[0] > 1 else None
    if not farthest:
        return None
    return LateralInhibitionConnector(
        shape,
        d.lateral,
        min(2, farthest),
        0.5,
        profile=profile,  # type: ignore[arg-type]
    )


def _onward(
    d: Drawn, shape: tuple[int, ...], rng: np.random.Generator, dt: float
) -> KernelConnector | None:
    if not d.onward:
        return None
    size = (min(d.pool[0], shape[1]), min(d.pool[1], shape[2]))
    if d.onward == "convolution":
        return ConvolutionConnector(rng.uniform(0.1, 0.9, (2, shape[0], *size)), shape)
    window = 8.0 if d.window and d.onward == "first-spike" else None
    return PoolingConnector(shape, size, mode=d.onward, window=window)  # type: ignore[arg-type]


def _excites(model: NeuronModel) -> str:
    return next(name for name in model.receptors if name not in ("inhibitory", "shunting"))


def _inhibits(model: NeuronModel) -> str | None:
    return next((name for name in model.receptors if name in ("inhibitory", "shunting")), None)


def _population(
    name: str,
    connector: KernelConnector,
    model: str,
    by_channel: bool,
    rng: np.random.Generator,
    dt: float,
) -> Population:
    """A layer with parameters that are its own, near the model's."""
    known, shape = LIBRARY[model].parameters, tuple(connector.out_shape)
    many = shape[0] if by_channel else None
    parameters: dict[str, Any] = {
        key: known[key].default * rng.uniform(0.8, 1.25, many) for key in _SCALED if key in known
    }
    # At least one step: a layer that is never refractory is another program.
    parameters["tau_refrac"] = dt * rng.integers(1, 12, many)
    return Population(name, shape, LIBRARY[model], parameters)


def _controlled(population: Population, d: Drawn) -> Population:
    """With a threshold that moves, or a competition."""
    rng, maps = np.random.default_rng(d.seed), population.shape[0]
    if d.homeostasis:
        rule = SharedThreshold(
            eta=rng.uniform(0.1, 1.0), target=tuple(rng.uniform(20, 90, maps)), minimum=-62.0
        )
        return dataclasses.replace(population, homeostasis=rule)
    if d.competes:
        rivalry = WinnerTakeAll(radius=d.profile % 2, silence=d.window)
        return dataclasses.replace(population, competition=rivalry)
    if d.free:
        return dataclasses.replace(
            population, parameters={**population.parameters, "tau_refrac": 0.0}
        )
    return population


def _rule(d: Drawn, rng: np.random.Generator) -> LearningRule | None:
    up, down = rng.uniform(0.01, 0.05, 2)
    control = Normalisation(2.0, period=12.0) if d.window else None
    if d.rule == "none":
        return None
    if d.rule == "triplets":
        return TripletSTDP.published("visual-cortex")
    if d.rule == "traces":
        return TraceRule(
            traces={"x": Trace("pre", rng.uniform(5, 30)), "y": Trace("post", rng.uniform(5, 30))},
            on_pre="-down*y*w",
            on_post="up*x*(w_max - w)",
            parameters={"up": up, "down": down},
        )
    return SharedSTDP(
        tau_plus=rng.uniform(5, 30),
        tau_minus=rng.uniform(5, 40),
        a_plus=up,
        a_minus=down,
        a_post=rng.uniform(0, 0.02),
        bounds="soft" if d.rule == "soft" else "hard",
        pairing="nearest" if d.rule == "nearest" else "all-to-all",
        normalisation=control,
    )
