"""Networks that snnTorch trained and wrote fire snnTorch's own spikes on every backend.

The oracle is snnTorch itself: its forward pass, with ``reset_delay=False``, without which it is not
the LIF that it writes. It writes graphs of a step of 0.1 ms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio.nir import FromNIR, read
from tests.nir.test_reading import fired

nir = pytest.importorskip("nir")
torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
export = pytest.importorskip("snntorch.export_nir")
nn = torch.nn

#: snnTorch calls nirtorch by a name that nirtorch is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:nirtorch.extract_nir_graph:DeprecationWarning")

DT = "0.1 ms"
STEPS, TRIALS = 14, 4
#: SpiNNaker rounds a potential and its decay to 2**-15 in each step, and an error decays by 1/8.
MARGIN = 2 * 8 * 2.0**-15


def neuron(kind: str, shape: tuple[int, ...], near: list[Any], **more: Any) -> Any:
    """A layer of snnTorch, which notes how near potentials of each trial come to the threshold."""
    every = {"beta": torch.full(shape, more.pop("beta")), "threshold": torch.ones(shape)}
    if "alpha" in more:
        every["alpha"] = torch.full(shape, more.pop("alpha"))

    def noted(v: Any) -> Any:
        near.append((v.detach() - 1.0).abs().flatten(1).amin(1))
        return v

    return getattr(snn, kind)(
        **{"reset_mechanism": "zero", **every, **more}, reset_delay=False, init_hidden=True,
        state_quant=noted,
    )  # fmt: skip


def shown(module: Any, given: np.ndarray) -> list[np.ndarray]:
    """Spikes (step, trial, neuron) of each of snnTorch's layers."""
    for part in module:
        if isinstance(part, snn.SpikingNeuron):
            part.reset_mem()
    layers: list[list[Any]] = []
    for now in torch.as_tensor(given.astype(np.float32)):
        fired_now = []
        for part in module:
            now = part(now)
            if isinstance(part, snn.SpikingNeuron):
                fired_now.append(now.flatten(1))
        layers.append(fired_now)
    return [torch.stack(one) for one in zip(*layers, strict=True)]


def written(module: Any, shape: tuple[int, ...], path: Path) -> FromNIR:
    graph = export.export_to_nir(module, torch.zeros(1, *shape), ignore_dims=[0])
    nir.write(path, graph)
    return read(path, DT)


def compared(module: Any, made: FromNIR, given: np.ndarray, backend: str) -> None:
    with torch.no_grad():
        theirs = [spikes.numpy() > 0 for spikes in shown(module, given)]
    ours = fired(made, given, backend)
    names = [p.name for p in made.network.populations if not p.is_source]
    assert len(names) == len(theirs)
    for name, wanted in zip(names, theirs, strict=True):
        assert 15 < wanted.sum() < 0.8 * wanted.size, name
        np.testing.assert_array_equal(ours[name], wanted, err_msg=name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, FromNIR, np.ndarray]:
    """A convolution, pooling and two channels that tell horizontal from vertical bars.

    Without biases, for which SpiNNaker would need initial values in every trial.
    """
    torch.manual_seed(1)
    rng = np.random.default_rng(3)
    near: list[Any] = []
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False), neuron("Leaky", (3, 4, 4), near, beta=0.875),
        nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(12, 8, bias=False), neuron("Leaky", (8,), near, beta=0.75),
    )  # fmt: skip
    with torch.no_grad():
        for part in (module[0], module[4]):
            part.weight.mul_(3.0)
    upright = np.arange(40) % 2
    bars = np.zeros((40, 1, 6, 6))
    for image, vertical, place in zip(bars, upright, rng.integers(0, 6, 40), strict=True):
        image[0, :, place] = vertical
        image[0, place, :] += 1 - vertical
    given = rng.random((STEPS, *bars.shape)) < 0.05 + 0.5 * bars
    labels = torch.as_tensor(upright)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    right = []
    for _ in range(10):
        counts = shown(module, given)[1].sum(0).reshape(40, 2, 4).mean(2)
        right.append(float((counts.argmax(1) == labels).double().mean()))
        optimiser.zero_grad()
        nn.functional.cross_entropy(counts, labels).backward()
        optimiser.step()
    assert right[-1] >= 0.9 > right[0]
    with torch.no_grad():  # a grid that SpiNNaker's weights of 16 bits contain
        for value in module.parameters():
            value.copy_((value * 1024).round() / 1024)
    near.clear()
    shown(module, given)
    # Trials in which no potential is so near threshold that rounding may decide.
    nearest = torch.stack(near).amin(0)
    clear = torch.argsort(nearest, descending=True)[:TRIALS]
    assert float(nearest[clear].min()) > MARGIN
    chosen = given[:, clear.numpy()]
    path = tmp_path_factory.mktemp("snntorch") / "net.nir"
    return module, written(module, (1, 6, 6), path), chosen


@pytest.mark.parametrize("backend", ["reference", "brian2", "torch", "nest", "spinnaker"])
def test_a_trained_convolutional_network_fires_its_spikes(trained: Any, backend: str) -> None:
    if backend == "nest":
        pytest.importorskip("nest")
    module, made, given = trained
    compared(module, made, given, backend)


@pytest.mark.parametrize("backend", ["reference", "brian2", "nest"])
def test_recurrence_and_synaptic_currents_fire_their_spikes(backend: str, tmp_path: Path) -> None:
    if backend == "nest":
        pytest.importorskip("nest")
    torch.manual_seed(1)
    near: list[Any] = []
    module = nn.Sequential(
        nn.Linear(6, 9), neuron("RLeaky", (9,), near, beta=0.875, linear_features=9),
        nn.Linear(9, 7, bias=False), neuron("Synaptic", (7,), near, alpha=0.75, beta=0.875),
    )  # fmt: skip
    with torch.no_grad():
        module[0].weight.add_(0.1)
    given = np.random.default_rng(2).random((STEPS, TRIALS, 6)) < 0.4
    made = written(module, (6,), tmp_path / "net.nir")
    near.clear()
    compared(module, made, given, backend)
    assert float(torch.stack(near).min()) > 1e-5  # snnTorch computes in single precision


def test_a_reset_by_subtraction_is_lost_in_the_file(tmp_path: Path) -> None:
    """snnTorch writes it as a reset to zero, which is why the docs name the option."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 9), neuron("Leaky", (9,), [], beta=0.875))
    with torch.no_grad():
        module[0].weight.add_(0.3)
    given = np.random.default_rng(2).random((STEPS, TRIALS, 6)) < 0.4
    made = written(module, (6,), tmp_path / "net.nir")
    compared(module, made, given, "reference")
    other = nn.Sequential(
        module[0], neuron("Leaky", (9,), [], beta=0.875, reset_mechanism="subtract")
    )
    lost = written(other, (6,), tmp_path / "lost.nir")
    assert lost.network == made.network
    with pytest.raises(AssertionError, match="n1"):
        compared(other, lost, given, "reference")
