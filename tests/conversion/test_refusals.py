"""What has no counterpart is refused by the name of its module; what is coarse is warned of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

from scnnbio.conversion import QCFS, ConversionWarning, compare, convert  # noqa: E402
from scnnbio.errors import DataError, SpecError  # noqa: E402
from tests.conversion.modules import convolutional, drawn, images  # noqa: E402
from tests.conversion.test_convert import shown, small  # noqa: E402


class _Shrunk(nn.Linear):
    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return super().forward(value) * 0.5


def _hooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    module[0].register_forward_hook(lambda _, __, out: out * 2)
    return module


class _Branches(nn.Module):
    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return value if value.sum() > 0 else -value


class _Two(nn.Module):
    def forward(self, value: torch.Tensor, other: torch.Tensor | None = None) -> torch.Tensor:
        return torch.relu(value)


class _Constant(nn.Module):
    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.ones(2, 3))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2)), "module '2' (MaxPool2d)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.Sigmoid()), "module '2' (Sigmoid)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.Softmax(1)), "module '2' (Softmax)"),
        (nn.Sequential(nn.Flatten(), _Shrunk(16, 3)), "module '1' (_Shrunk)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(15, 3)), "module '1' (Linear): it does not take"),
        (nn.Sequential(nn.Linear(4, 3)), "module '0' (Linear): gets the shape (1, 4, 4)"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")), "'circular'"),
        pytest.param(
            nn.Sequential(nn.Conv2d(1, 2, 2, padding="same")),
            "even size",
            marks=pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
        ),
        (nn.Sequential(nn.AvgPool2d(3, ceil_mode=True)), "module '0' (AvgPool2d): ceil_mode"),
        (nn.Sequential(nn.AvgPool2d(2, divisor_override=3)), "module '0' (AvgPool2d): has a div"),
        (nn.Sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False)), "(AvgPool2d)"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(3)), "module '0' (AdaptiveAvgPool2d)"),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), "(BatchNorm2d)"),
        (nn.Sequential(nn.Flatten()), "the module has no layer"),
        (_Branches(), "torch.fx cannot trace it"),
        (_Two(), "takes a second input"),
        (_Constant(), "its forward uses a value of its own"),
        (nn.Sequential(nn.Conv2d(2, 3, 3)), "module '0' (Conv2d): it does not take what comes in"),
        ("a file", "convert.module: str is not"),
        (nn.Sequential(nn.Flatten(1, 2), nn.AvgPool2d(2)), "(AvgPool2d): takes a layer of 3 axes"),
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "'1.weight' has no values yet"),
        (
            nn.Sequential(nn.Flatten(), parametrizations.weight_norm(nn.Linear(16, 3))),
            "module '1' (ParametrizedLinear): its weights are computed from others; call",
        ),
        (
            nn.Sequential(nn.Flatten(), prune.l1_unstructured(nn.Linear(16, 3), "weight", 0.5)),
            "module Sequential: it cannot be copied",
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(module: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        convert(module, images(2, 1, 4, 4))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def _double(part: nn.Module) -> nn.Module:
    part.register_forward_hook(lambda _, __, out: out * 2)
    return part


class _Aliased(nn.Module):
    """torch.fx traces an addition in place as one that makes a new value."""

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        one = torch.relu(value)
        two = one
        two += value
        return torch.relu(two + one)


@pytest.mark.parametrize(
    ("module", "given", "said"),
    [
        (_hooked(), images(2, 4), r"module '0' \(Linear\): computes something else"),
        # The first image is black, and a factor does not change it.
        (nn.Sequential(_double(nn.Linear(4, 3, bias=False)), nn.ReLU()),
         np.concatenate([np.zeros((1, 4)), images(2, 4)]), r"module '0' \(Linear\): computes"),
        (nn.Sequential(nn.Linear(4, 3), _double(nn.ReLU())), images(9, 4), r"module '1' \(ReLU\)"),
        (nn.Sequential(nn.Linear(4, 3), _double(QCFS(4, 0.1))), images(9, 4), r"'1' \(QCFS\)"),
        (_double(nn.Sequential(nn.Linear(4, 3), nn.ReLU())), images(9, 4),
         "module Sequential: it computes something else than what torch.fx traces"),
        (_Aliased(), images(9, 4), "module _Aliased: it computes something else than what torch"),
    ],
)  # fmt: skip
def test_a_module_that_computes_something_else_is_found(
    module: nn.Module, given: np.ndarray, said: str
) -> None:
    """By torch's own values, of the parts and of the whole."""
    with pytest.raises(SpecError, match=said) as caught:
        convert(module, given)
    assert "\n" not in str(caught.value)


class _Branch(nn.Module):
    """A layer behind the output that the output does not need."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        one = torch.relu(self.one(value))
        torch.relu(self.two(one))
        return one


def test_layers_that_the_output_does_not_need_are_left_out() -> None:
    made = convert(drawn(_Branch), images(3, 4))
    assert [layer.name for layer in made.layers] == ["relu"]
    assert made.output.shape == (3, 1, 1)


def test_a_weight_that_is_no_number_is_named() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    module[0].weight.data[2, 1] = float("nan")
    with pytest.raises(DataError, match=r"module '0' \(Linear\): weight is nan at \(2, 1\)"):
        convert(module, images(2, 4))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"r_max": 2000.0}, "convert.r_max"),
        ({"percentile": 0.0}, "convert.percentile"),
        ({"begins": 1.0}, "convert.begins"),
        ({"reset": "half"}, "convert.reset"),
        ({"dt": "2 mV"}, "convert.dt"),
        ({"images": np.zeros((0, 4))}, "convert.images"),
        ({"images": np.full((2, 4), np.nan)}, "convert.images"),
        (
            {"images": np.full((2, 4), 2.0), "source": "spikes"},
            "convert.images: a value is 2, abov",
        ),
        ({"images": np.full((2, 4), -0.1), "source": "spikes"}, "no rate of spikes stands for"),
    ],
)
def test_wrong_numbers_are_refused(changes: dict[str, Any], said: str) -> None:
    given = {"images": images(2, 4), **changes}
    with pytest.raises(SpecError, match=said):
        convert(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), **given)


def test_wrong_inputs_and_too_many_steps_are_refused() -> None:
    module, given = small()
    made = convert(module, given)
    with pytest.raises(SpecError, match=r"inputs of shape \(3, 1, 8, 7\) for a module that takes"):
        made.experiment(given[..., :-1], 8)
    with pytest.raises(SpecError, match="0 is not a whole number from 1 up"):
        made.experiment(given, 0)
    recording = shown(made, given, 4)
    for late in (9, 40):
        with pytest.raises(SpecError, match="steps"):
            made.counts(recording, "layer2", late)
    with pytest.raises(SpecError, match="no potential after 9 steps"):
        made.outputs(recording, 9)
    with pytest.raises(SpecError, match="layer2, layer5"):
        made.counts(recording, "layer3", 4)


@pytest.mark.slow
def test_layers_that_are_silent_coarse_or_saturated_are_warned_of() -> None:
    module, given = drawn(lambda: convolutional(nn.ReLU)), images(4, 1, 8, 8)
    made = convert(module, given, percentile=80.0)
    with pytest.warns(ConversionWarning) as coarse:
        made.experiment(given, 1)
    assert "module '2' (ReLU): active neurons of 'layer2' fire" in str(coarse[0].message)
    with pytest.warns(ConversionWarning, match="exceed the one that stands for the greatest rate"):
        compare(made, module, given, shown(made, given, 32), 32)
    module[4].bias.data[:] = -100.0
    with pytest.warns(ConversionWarning, match=r"module '5' \(ReLU\): no activation"):
        convert(module, given)
