"""Models of circuits: kernels, shapes, connections, and what each layer is given."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.spectra import kernel_tuning, spectral_peak
from scnnbio.errors import SpecError
from scnnbio.experiment import MODELS
from scnnbio.network import Network


def build(name: str, **parameters: object) -> Network:
    return MODELS[name](**parameters)


@pytest.mark.parametrize("orientation", [0, 2, 5])
def test_gabors_prefer_their_orientation_and_balance(orientation: int) -> None:
    made = build("gabor_layers", orientations=8, phases=4)
    kernel = made.projection("lgn_control").kernel.reshape(8, 4, 2, 13, 13)
    on, off = kernel[orientation, :, 0], kernel[orientation, :, 1]
    np.testing.assert_array_equal(on, -off)  # push-pull
    np.testing.assert_allclose(on.sum(axis=(1, 2)), 0.0, atol=1e-12)
    frequency, _ = spectral_peak(on)
    amplitude, angles = kernel_tuning(on, frequency)
    best = angles[amplitude.argmax(axis=1)]
    apart = (best - orientation * 22.5 + 90.0) % 180.0 - 90.0
    assert np.abs(apart).max() <= 2.5  # the step of the ring


def test_layers_differ_in_their_inhibition_alone() -> None:
    made = build("gabor_layers", extent=13)
    feeds = [made.projection(f"lgn_{n}") for n in ("control", "subtractive", "shunting")]
    assert len({(p.connector, p.weight, p.receptor) for p in feeds}) == 1
    within = {p.pre: (p.receptor, np.sign(p.weight)) for p in made.projections if p.pre == p.post}
    assert within == {"subtractive": ("inhibitory", -1.0), "shunting": ("shunting", 1.0)}


def test_a_window_of_complex_cells_spans_a_period() -> None:
    made = build("complex_cells")
    assert made.population("simple").shape == (32, 4, 4)
    # Four places, two LGN cells apart, at 0.12 cycles per cell: 0.96 of a period.
    assert 0.9 < 4 * 2 * 0.12 < 1.1
    shapes = {p.name: p.shape for p in made.populations if p.name.startswith("complex")}
    assert shapes["complex_first_spike"] == shapes["complex_sum"] == (32, 1, 1)
    assert shapes["complex_phases"] == (8, 1, 1)
    edges = made.projection("simple_complex_phases").connector.edges()
    # A complex cell takes the four maps of its orientation, and every place of them.
    assert {int(m) for m in edges.pre[edges.post == 1] // 16} == {4, 5, 6, 7}
    assert (edges.post == 1).sum() == 64


def test_connections_of_interneurons_have_their_probability() -> None:
    made = build("interneurons", places=5, phases=12)
    # At one place: pairs whose distance does not thin them out.
    for name, chance in (("pv_pyr", 0.60), ("pyr_pv", 0.45), ("sst_pyr", 0.55), ("vip_sst", 0.5)):
        path = made.projection(name)
        edges = path.connector.edges()
        before, after = (made.population(n).shape for n in (path.pre, path.post))
        same = (edges.pre % 25) == (edges.post % 25)
        pairs = before[0] * after[0] * 25
        spread = 4 * np.sqrt(chance * (1 - chance) / pairs)
        assert same.sum() / pairs == pytest.approx(chance, abs=spread), name
    names = {p.name for p in made.projections}
    # Pfeffer et al. 2013: SST cells do not inhibit each other, VIP cells only SST cells.
    assert not {"sst_sst", "vip_pyr", "vip_pv", "pv_sst"} & names
    for name in ("pyr_sst", "vip_sst"):
        ends = [made.projection(n).connector.edges() for n in (name, name.replace("_", "_driven_")
                + "_driven")]  # fmt: skip
        np.testing.assert_array_equal(ends[0].pre, ends[1].pre)
    assert made.population("vip_driven").parameters["i_offset"] == 0.08
    assert "i_offset" not in made.population("vip").parameters


def test_sst_cells_take_their_orientation_alone() -> None:
    made = build("interneurons", orientations=2, phases=2, places=2)
    edges = made.projection("pyr_sst").connector.edges()
    assert ((edges.pre // 8) == (edges.post // 4)).all()


def test_relays_hand_each_region_its_part() -> None:
    made = build("shared_kernels", maps=2, size=5, places=4)
    assert made.population("lgn").shape == (2, 11, 11)
    shapes = {n: made.population(n).shape for n in ("strict", "region", "none")}
    assert shapes == {"strict": (2, 4, 4), "region": (8, 2, 2), "none": (32, 1, 1)}
    # Region 3 begins at row and column 4: two places of two LGN cells each.
    edges = made.projection("lgn_relay_region").connector.edges()
    first = edges.pre[edges.post == 3 * 2 * 49]
    assert first.tolist() == [4 * 11 + 4]
    # All ways together hand each cell of a layer the LGN cells that strict sharing does.
    for way in shapes:
        relay = made.projection(f"lgn_relay_{way}").connector.edges()
        seen = relay.pre[np.argsort(relay.post)]
        learned = made.projection(f"learned_{way}").connector.edges()
        middle = {"strict": 5, "region": 3, "none": 10}[way]  # map 0, row 1, column 1
        assert set(seen[learned.pre[learned.post == middle]].tolist()) == {
            channel * 121 + (2 + row) * 11 + 2 + column
            for channel in range(2)
            for row in range(5)
            for column in range(5)
        }, way
    rules = {made.projection(f"learned_{way}").plasticity for way in shapes}
    assert len(rules) == 1


def test_sparse_layers_have_the_same_kernels() -> None:
    made = build("sparse_layers", maps=3, size=5, extent=7, matched_psp=0.5)
    kernels = [made.projection(f"lgn_{n}") for n in ("inhibited", "free", "matched")]
    assert len({p.connector for p in kernels}) == 1
    assert kernels[2].weight * 3 == pytest.approx(kernels[0].weight)
    assert [p.name for p in made.projections if p.pre == p.post] == ["inhibited_inhibited"]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("gabor_layers", {"layers": ["divisive"]}),
        ("gabor_layers", {"size": 31}),
        ("gabor_layers", {"frequency": 0.7}),
        ("gabor_layers", {"shunt": "1 mV"}),
        ("complex_cells", {"ways": ["max"]}),
        ("complex_cells", {"pool": 0}),
        ("interneurons", {"places": 1}),
        ("interneurons", {"near": 0.0}),
        ("shared_kernels", {"places": 3}),
        ("sparse_layers", {"inhibition": 0.0}),
    ],
)
def test_wrong_parameters_are_refused(model: str, parameters: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        build(model, **parameters)
