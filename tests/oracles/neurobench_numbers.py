"""NeuroBench's numbers of one small converted network, by NeuroBench itself.

NeuroBench 2.3 declares torchvision, torchaudio and tonic, which do not install beside the torch of
the tests; its metrics need none of them:

    pip install --no-deps --target SITE neurobench==2.3.0 snntorch tqdm
    PYTHONPATH=SITE:. python -m tests.oracles.neurobench_numbers

prints what ``tests/analysis/test_operations.py`` holds as ``NEUROBENCH``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

STEPS = 6


def module() -> nn.Module:
    """Two convolutions and a dense layer, with some weights of 0; only the last one has a bias."""
    torch.manual_seed(1)
    layers = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(3, 4, 3, stride=2, bias=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 2 * 2, 5),
        nn.ReLU(),
    )
    with torch.no_grad():
        layers[2].weight[0, 0] = 0
    return layers


def images() -> np.ndarray:
    """Four images, with some values of 0."""
    shown = np.round(np.random.default_rng(1).random((4, 1, 6, 6)), 2)
    shown[:, 0, 0, :3] = 0
    return shown


def numbers(kernels: dict[str, np.ndarray], steps: int) -> dict[str, Any]:
    """Run the network in torch, with the delays of the converted one, through NeuroBench."""
    import snntorch as snn
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, ParameterCount
    from neurobench.metrics.workload.activation_sparsity import ActivationSparsity
    from neurobench.metrics.workload.synaptic_operations import SynapticOperations
    from neurobench.models import SNNTorchModel

    weights = {name: torch.tensor(value, dtype=torch.float64) for name, value in kernels.items()}

    class Integrator(snn.Leaky):
        """Integrate-and-fire whose reset subtracts one threshold from a potential above it."""

        def forward(self, given: torch.Tensor) -> torch.Tensor:
            self.mem = self.mem + given
            spikes = (self.mem >= 1.0).to(self.mem.dtype)
            self.mem = self.mem - spikes
            return spikes[None] if self.output else spikes

    def cells() -> Integrator:
        return Integrator(beta=1.0, init_hidden=True)

    class Spiking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 3, 3, padding=1, bias=False)
            self.second = nn.Conv2d(3, 4, 3, stride=2, bias=False)
            self.last = nn.Linear(16, 5, bias=False)
            self.cells = nn.ModuleList([cells(), cells(), cells()])
            names = ("input_layer1", "layer1_layer3", "layer3_layer6")
            for layer, name in zip((self.first, self.second, self.last), names, strict=True):
                layer.weight.data = weights[name]
            self.bias = nn.Parameter(weights["bias_layer6"][:, 0])

        def reset(self) -> None:
            shapes = ((1, 3, 6, 6), (1, 4, 2, 2), (1, 5))
            for neurons, shape in zip(self.cells, shapes, strict=True):
                neurons.mem = torch.full(shape, 0.5, dtype=torch.float64)
            self.step = 0
            under_way = ((1, 1, 6, 6), *shapes[:2])
            self.sent = [torch.zeros(shape, dtype=torch.float64) for shape in under_way]

        def forward(self, shown: torch.Tensor) -> tuple[torch.Tensor, None]:
            value, first, second = self.sent
            fired = self.cells[0](self.first(value))
            later = self.cells[1](self.second(first))
            given = self.last(second.flatten(1)) + (self.bias if self.step >= 3 else 0.0)
            last = self.cells[2](given)
            self.sent, self.step = [shown, fired, later], self.step + 1
            return last, None

    data = torch.tensor(images())[:, None].repeat(1, steps, 1, 1, 1)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(data, torch.zeros(len(data))), batch_size=1
    )
    metrics = [[ParameterCount, ConnectionSparsity], [ActivationSparsity, SynapticOperations]]
    model = SNNTorchModel(Spiking())
    with torch.no_grad():
        found = Benchmark(model, loader, [], [lambda x: x.sum(1).argmax(-1)], metrics).run(
            quiet=True
        )
    operations = found["SynapticOperations"]
    return {
        "parameter_count": found["ParameterCount"],
        "connection_sparsity": found["ConnectionSparsity"],
        "activation_sparsity": found["ActivationSparsity"],
        "effective_macs": operations["Effective_MACs"],
        "effective_acs": operations["Effective_ACs"],
        "dense_synops": operations["Dense"],
    }


if __name__ == "__main__":
    import json

    from scnnbio.conversion import convert

    converted = convert(module(), images())
    kernels = {path.name: np.asarray(path.kernel) for path in converted.network.projections}
    steps = round(converted.duration(STEPS) / converted.dt)
    plain = {name: float(value) for name, value in numbers(kernels, steps).items()}
    print(json.dumps(plain, indent=1))
