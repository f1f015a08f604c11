"""Two hundred networks that hypothesis drew fire the same spikes on every backend with a grid.

The oracle is the reference backend, which handles one edge at a time. Twenty networks run side by
side in one experiment, each judged by itself. A program of brian2-standalone takes seconds to
compile for each layer, so there a few networks are compiled, and each run with many data: kernels
and input.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.experiment import Run
from tests.contract.drawn import Drawn, Setting, several

pytestmark = pytest.mark.slow

COUNT, SIDE_BY_SIDE = 200, 20
#: Steps, resets between trials and codes, in all combinations and two more.
SETTINGS = [
    Setting(dt, reset, latency, seed)
    for seed, (dt, reset, latency) in enumerate(
        [
            (0.5, True, True), (0.1, False, False), (1.0, True, False), (0.25, False, True),
            (0.5, False, True), (0.1, True, True), (1.0, False, True), (0.25, True, False),
            (0.2, True, True), (0.4, False, False),
        ]
    )
]  # fmt: skip
#: Programs: which networks, in which setting, and with how many data.
COMPILED, DATA = [(range(5), SETTINGS[0]), (range(5, 10), SETTINGS[3])], 20


def batch(number: int) -> tuple[Drawn, ...]:
    return several(COUNT)[number * SIDE_BY_SIDE : (number + 1) * SIDE_BY_SIDE]


@functools.cache
def oracle(number: int) -> Run:
    return backends.get("reference").run(SETTINGS[number].experiment(batch(number)))


def differing(run: Run, expected: Run, drawn: Sequence[Drawn]) -> str:
    """What is not the same of which network, with its description; empty if all is."""
    said = []
    for k, one in enumerate(drawn):
        wrong = [
            f"{name} has {len(ours.time)} spikes instead of {len(theirs.time)}, or at other times"
            for name, theirs in expected.recording.spikes.items()
            if name.startswith(f"net{k}_") and not _same(ours := run.recording.spikes[name], theirs)
        ]
        wrong += [
            f"{name} learned other weights, by up to {apart}"
            for name, weights in expected.weights.items()
            if name.startswith(f"net{k}_")
            and (apart := np.abs(run.weights[name] - weights).max()) > 1e-10
        ]
        if wrong:
            said.append(f"network {k}: {'; '.join(wrong)}\n{one}")
    return "\n".join(said)


def _same(ours: Any, theirs: Any) -> bool:
    return all(
        np.array_equal(getattr(ours, name), getattr(theirs, name))
        for name in ("time", "unit", "trial")
    )


@pytest.mark.parametrize("backend", ["brian2", pytest.param("nest", marks=pytest.mark.nest)])
@pytest.mark.parametrize("number", range(COUNT // SIDE_BY_SIDE))
def test_random_networks_fire_the_same_spikes(number: int, backend: str) -> None:
    drawn = batch(number)
    run = backends.get(backend).run(SETTINGS[number].experiment(drawn))
    assert not (found := differing(run, oracle(number), drawn)), found


@pytest.mark.parametrize("number", range(COUNT // SIDE_BY_SIDE))
def test_the_networks_show_something(number: int) -> None:
    """At least a third of them fire again and again, and not in every step."""
    spikes, setting = oracle(number).recording.spikes, SETTINGS[number]
    fired = [len(spikes[f"net{k}_a"].time) for k in range(SIDE_BY_SIDE)]
    assert np.count_nonzero(np.array(fired) > 3) >= SIDE_BY_SIDE / 3
    steps = 2 * 24.0 / setting.dt
    sizes = [oracle(number).recording.size(f"net{k}_a") for k in range(SIDE_BY_SIDE)]
    assert np.median(np.array(fired) / np.array(sizes)) < 0.3 * steps


def test_the_draws_are_of_every_kind() -> None:
    drawn = several(COUNT)
    assert len({d.structure() for d in drawn}) == COUNT
    least = {"model": 17, "second": 12, "kind": 4, "lateral": 4, "onward": 5, "rule": 6}
    for name, number in (least | dict.fromkeys(("homeostasis", "competes", "free"), 2)).items():
        assert len({getattr(d, name) for d in drawn}) >= number, name


@pytest.mark.parametrize(
    "program",
    # One program in the suite, the others in `make validate`: each compiles for most of a minute.
    [pytest.param(k, marks=[pytest.mark.validate] if k else []) for k in range(len(COMPILED))],
)
def test_compiled_networks_fire_the_same_spikes_with_any_data(
    program: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scnnbio.backends.brian2 import compiling

    made, make = [], compiling._make
    monkeypatch.setattr(compiling, "_make", lambda folder: (made.append(folder), make(folder)))
    chosen, setting = COMPILED[program]
    drawn = [several(COUNT)[k] for k in chosen]
    for data in range(DATA):
        experiment = setting.experiment(drawn, data)
        expected = backends.get("reference").run(experiment)
        run = backends.get("brian2-standalone").run(experiment)
        assert not (found := differing(run, expected, drawn)), f"data {data}: {found}"
    assert len(made) <= 1, "what was meant as data is compiled into the program"
