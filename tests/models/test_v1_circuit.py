"""The circuit of simple, inhibitory and complex cells, against what it is described by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.v1_circuit import build
from scnnbio import Experiment, Record, backends
from scnnbio.errors import SpecError
from scnnbio.experiment import Sampling
from scnnbio.inputs import FromSpikes

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def gabors(
    orientations: tuple[float, ...], phases: tuple[float, ...], size: int = 11
) -> np.ndarray:
    """ON and OFF halves of Gabor functions, (maps, 2, size, size); phases change fastest."""
    x = np.arange(size) - size // 2
    made = []
    for degrees in orientations:
        angle = np.deg2rad(degrees)
        along = np.cos(angle) * x[None, :] + np.sin(angle) * x[:, None]
        envelope = np.exp(-(x[None, :] ** 2 + x[:, None] ** 2) / (2 * 2.5**2))
        for phase in phases:
            field = envelope * np.cos(2 * np.pi * 0.15 * along + phase)
            made.append(np.stack([np.maximum(field, 0.0), np.maximum(-field, 0.0)]))
    return np.array(made)


KERNELS = gabors((0.0, 90.0), (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi))
SMALL = {"kernels": KERNELS, "stride": 4, "complex_cells": 8, "inhibitory_cells": 4}


def test_shapes_follow_from_the_arguments() -> None:
    made = build(**SMALL)
    shapes = {population.name: population.shape for population in made.populations}
    assert shapes == {
        "lgn": (2, 19, 19),
        "simple": (8, 3, 3),
        "inhibitory": (4, 3, 3),
        "complex": (8, 1, 1),
    }


def test_push_pull_exchanges_on_and_off_at_the_stated_ratio_of_conductances() -> None:
    made = build(**SMALL, push_pull=4.0, spread=0.0)
    pull, push = made.projection("lgn_simple"), made.projection("push_pull")
    np.testing.assert_allclose(push.kernel, pull.kernel[:, ::-1])
    np.testing.assert_allclose(pull.kernel.sum(axis=(1, 2, 3)), 1.0)
    assert (pull.receptor, push.receptor) == ("excitatory", "inhibitory")
    # A train of rate r has the mean conductance r * weight * tau.
    cell = made.population("simple").parameters
    ratio = push.weight * cell["tau_syn_I"] / (pull.weight * cell["tau_syn_E"])
    assert ratio == pytest.approx(4.0)
    assert build(**SMALL, push_pull=0.0).projection("push_pull").weight == 0.0


def test_complex_cells_sum_one_orientation_at_all_phases() -> None:
    # 24 phases of each of two orientations: the spectra of the 24 nearly agree, and those of the
    # two orientations hardly overlap. A cell takes 6 to 24 maps.
    made = build(**{**SMALL, "kernels": gabors((0.0, 90.0), tuple(np.arange(24) * np.pi / 12))})
    kernel = made.projection("simple_complex").kernel
    np.testing.assert_allclose(kernel.sum(axis=(1, 2, 3)), 1.0)
    taken = kernel.sum(axis=(2, 3)) > 0
    assert ((taken.sum(axis=1) >= 6) & (taken.sum(axis=1) <= 24)).all()
    # Cell k has map k at its centre, all of them of the first orientation here.
    assert taken[:, :24].sum() == taken.sum()
    assert (kernel[:, :, 1, 1].max(axis=1) > kernel[:, :, 0, 0].max(axis=1)).all()


def test_inhibition_reaches_all_cells_of_the_layer_alike() -> None:
    made = build(**SMALL, spread=0.0)
    for name, targets in (("inhibitory_simple", 72), ("inhibitory_complex", 8)):
        path = made.projection(name)
        edges = path.connector.edges()
        assert len(edges) == 36 * targets
        sums = np.bincount(edges.post, path.kernel.ravel()[edges.tap])
        np.testing.assert_allclose(sums, 1.0)
        assert path.receptor == "inhibitory"


def test_what_differs_between_cells_follows_the_seed_and_the_spread() -> None:
    one, same, other = (build(**SMALL, seed=seed) for seed in (1, 1, 2))
    assert one.digest() == same.digest() != other.digest()
    found = one.population("simple").parameters["v_thresh"]
    # 72 draws of a normal distribution of mean -54.4 and standard deviation 1.4 mV.
    assert found.mean() == pytest.approx(-54.4, abs=4 * 1.4 / np.sqrt(72))
    assert found.std() == pytest.approx(1.4, rel=4 / np.sqrt(2 * 72))
    alike = build(**SMALL, spread=0.0)
    assert alike.population("simple").parameters["v_thresh"] == -54.4
    assert np.ptp(alike.projection("inhibitory_simple").kernel) == 0


def test_a_cell_without_input_rests_where_leak_and_background_balance() -> None:
    # Destexhe et al. 2001: leak 0.0452 mS/cm2 on 34 636 um2, 12.1 nS at 0 mV, 57.3 nS at -75 mV.
    leak = 0.0452 * 34636e-8 * 1e3
    expected = (leak * -80.0 + 57.3e-3 * -75.0) / (leak + 12.1e-3 + 57.3e-3)
    made = build(**SMALL, noise=0.0)
    none = np.zeros(0)
    silent = FromSpikes(none, none, none, size=(2, 19, 19), n_trials=1, duration=20.0)
    experiment = Experiment(
        made,
        inputs={"lgn": silent},
        record=Record(("simple",), (Sampling("simple", ("v",), units=(0, 40)),)),
        dt=0.5,
    )
    recording = backends.get("reference").run(experiment).recording
    np.testing.assert_allclose(recording.signals["simple"]["v"].values, expected, atol=1e-6)
    assert recording.counts("simple").sum() == 0


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"kernels": KERNELS[:, :1]}, "kernels"),
        ({"kernels": -KERNELS}, "kernels"),
        ({"kernels": 0 * KERNELS}, "kernels"),
        ({"places": 2}, "places"),
        ({"stride": 0}, "stride"),
        ({"complex_cells": True}, "complex_cells"),
        ({"inhibitory_cells": 10**9}, "inhibitory_cells"),
        ({"spread": 1.5}, "spread"),
        ({"noise": -1.0}, "noise"),
        ({"pool": "3 mV"}, "pool"),
        ({"thalamic": -1.0}, "thalamic"),
        ({"places": 999}, "places"),
    ],
)
def test_what_is_out_of_range_is_named(changes: dict[str, object], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        build(**{**SMALL, **changes})  # type: ignore[arg-type]
    assert caught.value.where == f"parameters.{where}"


def test_the_kept_kernels_differ_in_orientation_as_photographs_and_noise_do() -> None:
    # Length of the mean vector of the power over orientations, doubled: 0 without orientation.
    shares = {}
    for name, stage in (("v1_kernels", "learn"), ("v1_noise_kernels", "control")):
        with np.load(EXPERIMENTS / f"{name}.npz", allow_pickle=False) as kept:
            kernel = kept[f"{stage}/lgn_v1"].astype(float)
        power = np.abs(np.fft.fft2(kernel[:, 0] - kernel[:, 1], (32, 32))) ** 2
        f = np.fft.fftfreq(32)
        angle = np.angle(f[None, :] + 1j * f[:, None])
        vector = np.abs((power * np.exp(2j * angle)).sum(axis=(1, 2))) / power.sum(axis=(1, 2))
        shares[name] = np.median(vector)
    assert shares["v1_kernels"] > 2 * shares["v1_noise_kernels"]
