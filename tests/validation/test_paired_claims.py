"""Claims that compare two parts of a run: which is subtracted from which, and over what.

What is computed of each part is tested in tests/analysis. Here it is given. Oracle: the words of
each observation.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scnnbio.analysis.curves import Curves
from scnnbio.errors import SpecError
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population
from scnnbio.validation import CLAIMS
from scnnbio.validation.protocol import Missing


class Part:
    """Evidence that gives what is asked for, by population."""

    def __init__(self, *populations: str, **of: Any) -> None:
        self.populations, self.of = populations, of

    @property
    def each(self) -> list[Part]:
        return [Part(name, **self.of) for name in self.populations]

    @property
    def population(self) -> str:
        (name,) = self.populations
        return name

    def measured(self, what: Any) -> Any:
        return self.of[self.population]

    def once(self, make: Any, *named: str) -> Any:
        return self.of["_".join(named) or make.__name__]


def values(claim: str, part: Any) -> list[float]:
    found: list[float] = np.round(CLAIMS[claim].measure.of(part).values, 12).tolist()
    return found


def codes() -> Part:
    quiet = SimpleNamespace(
        lifetime=np.array([0.8, 0.5, np.nan]), correlation=np.array([-0.1, 0.2]),
        error=np.array([0.3, 0.4]),
    )  # fmt: skip
    loud = SimpleNamespace(
        lifetime=np.array([0.5, 0.6, 0.7]), correlation=np.array([0.4, -0.1]),
        error=np.array([0.5, 0.3]),
    )  # fmt: skip
    return Part("inhibited", "free", inhibited=quiet, free=loud)


def test_inhibition_is_first_and_what_is_without_it_second() -> None:
    # Sparseness with inhibition less that without; the third map is silent with inhibition.
    assert values("inhibition_sparsens", codes()) == [0.3, -0.1]
    excluded = CLAIMS["inhibition_sparsens"].measure.of(codes()).excluded  # type: ignore[arg-type]
    assert sum(excluded.values()) == 1
    # Absolute correlation without, less that with.
    assert values("inhibition_decorrelates", codes()) == [0.3, -0.1]
    # Variance left without, less that with.
    assert values("picture_is_kept", codes()) == [0.2, -0.1]


def test_complex_cells_are_less_modulated_and_more_tolerant() -> None:
    measured = {"simple": np.array([1.6, 1.2, np.nan]), "complex": np.array([0.4, 1.3, 0.2])}
    cells = Part("simple", "complex", **measured)
    # F1/F0 of the simple cell less that of the complex one.
    assert values("phase_invariance", cells) == [1.2, -0.1]
    # Spread of the complex cell less that of the simple one.
    assert values("position_tolerance", cells) == [-1.2, 0.1]
    with pytest.raises(Missing, match="two populations"):
        values("phase_invariance", Part("simple", **measured))
    measured["simple"] = np.zeros(2)
    with pytest.raises(Missing, match="2 and 3 maps"):
        values("phase_invariance", Part("simple", "complex", **measured))


def curves(*rates: list[float]) -> Curves:
    rate, none = np.array(rates), np.zeros(len(rates))
    given: dict[str, Any] = {
        "values": np.array([1.0, 2.0, 4.0]), "rate": rate, "rate_draws": np.zeros((0, *rate.shape)),
        "spontaneous": none, "spontaneous_draws": np.zeros((0, len(rates))),
        "f1_draws": np.zeros((0, *rate.shape)),
    }  # fmt: skip
    names = Curves.__dataclass_fields__
    return Curves(**{name: given.get(name, np.zeros_like(rate)) for name in names})


def test_driven_vip_cells_release_what_was_suppressed() -> None:
    rest, driven = (
        curves([8.0, 10.0, 4.0], [1.0, 0.5, 0.2]),
        curves([8.0, 10.0, 9.0], [9.0, 9.0, 9.0]),
    )
    cells = Part("rest", "driven", rest=rest, driven=driven)
    # Rise at the largest diameter; the second unit responds with less than 2 Hz at rest.
    assert values("vip_disinhibits", cells) == [5.0]
    # (10 - 4) / 10 less (10 - 9) / 10.
    assert values("vip_frees_surround", cells) == [0.5]


def test_a_shift_is_divided_by_the_current_and_has_its_sign() -> None:
    def line(slope: float, offset: float) -> Any:
        return SimpleNamespace(
            slope=SimpleNamespace(value=slope), offset=SimpleNamespace(value=offset)
        )

    gain = SimpleNamespace(value=0.9, low=0.8, high=1.1)
    change = SimpleNamespace(shift=SimpleNamespace(value=0.03), gain=gain)
    still, moved = line(100.0, -65.0), line(100.0, -68.0)
    part = Part(
        "control", "inhibited", "still", "moved", still=still, moved=moved,
        control_inhibited={"constant": change},
    )  # fmt: skip
    # Inhibition moves the potential by -3 mV at 100 MOhm: a current of 0.03 nA.
    assert values("subtractive_shift", part) == [1.0]
    two = Part("control", "inhibited", **part.of)
    assert values("subtractive_gain", two) == [0.9]
    assert values("shunting_does_not_divide", two) == values("barrage_divides", two) == [1.1]
    with pytest.raises(Missing, match="4 populations"):
        values("subtractive_shift", two)


def test_sharing_saves_patterns_by_a_ratio_and_places_lose_what_regions_keep() -> None:
    def way(patterns: float, *invariance: float) -> Any:
        return SimpleNamespace(patterns=patterns, invariance=np.array(invariance))

    ways = {"strict": way(200.0, 1.0), "region": way(400.0, 0.4), "none": way(900.0, 0.1)}
    assert values("sharing_saves_patterns", Part(learned=ways)) == [4.5]
    assert values("places_learn_different_kernels", Part(learned=ways)) == [0.3]
    ways["strict"] = way(np.inf, 1.0)
    with pytest.raises(Missing, match="never become oriented"):
        values("sharing_saves_patterns", Part(learned=ways))


def test_a_closed_form_of_one_neuron_is_not_held_against_neurons_that_differ() -> None:
    cells = Population("cells", (2, 1, 1), LIBRARY["LIF_curr_delta"], {"tau_m": [10.0, 20.0]})
    found = SimpleNamespace(current=np.array([0.1, 0.2]), rate=np.array([5.0, 9.0]))
    evidence: Any = Part("cells", cells=found)
    network = SimpleNamespace(population={"cells": cells}.__getitem__)
    evidence.run = SimpleNamespace(experiment=SimpleNamespace(network=network))
    with pytest.raises(SpecError, match=r"parameters.tau_m: 'tau_m' differs between neurons"):
        values("glif_rate", evidence)
