"""What has no counterpart in a network is refused, by the name of its node."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio.errors import DataError, ScnnbioError, SpecError
from scnnbio.nir import read
from tests.nir.test_reading import chain, draws, lif

nir = pytest.importorskip("nir")


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    whole = tmp_path / "net.nir"
    nir.write(whole, chain((5,), nir.Linear(draws(8).normal(size=(30, 5))), lif(30)))
    content = whole.read_bytes()
    for k, size in enumerate([0, 7, 100, len(content) // 2, len(content) - 1]):
        cut = tmp_path / f"cut{k}.nir"
        cut.write_bytes(content[:size])
        with pytest.raises(DataError, match="is not a NIR file, or is damaged") as caught:
            read(cut, 1.0)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="there is no such file"):
        read(tmp_path / "absent.nir", 1.0)
    with pytest.raises(SpecError, match="neither the path of a file nor a graph"):
        read(3, 1.0)


class Given:
    """A graph as the package hands it over."""

    def __init__(self, nodes: dict[str, Any], edges: list[tuple[str, str]] | None = None) -> None:
        names = list(nodes)
        self.content = {
            "nodes": nodes,
            "edges": list(itertools.pairwise(names)) if edges is None else edges,
        }

    def to_dict(self) -> dict[str, Any]:
        return self.content


IN = {"type": "Input", "shape": np.array([3])}
LIF = {
    "type": "LIF", "tau": np.full(3, 5e-3), "r": np.ones(3), "v_leak": np.zeros(3),
    "v_threshold": np.ones(3),
}  # fmt: skip
LINEAR = {"type": "Linear", "weight": np.ones((3, 3))}
CONV = {
    "type": "Conv2d", "weight": np.ones((2, 3, 1, 1)), "stride": np.array([1, 1]), "padding": 0,
    "dilation": 1, "groups": 1, "bias": np.zeros(2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"w": {**LINEAR, "weight": np.array([[1, np.nan, 0]] * 3)}, "c": LIF},
         r"node 'w' \(Linear\): weight is nan at \(0, 1\)"),
        ({"w": {**LINEAR, "weight": np.ones((3, 4))}, "c": LIF},
         r"node 'w' \(Linear\): a weight of shape \(3, 4\) for 3 input neurons"),
        ({"w": {"type": "Linear"}, "c": LIF}, r"node 'w' \(Linear\): has no 'weight'"),
        ({"w": {**LINEAR, "weight": "ones"}, "c": LIF}, r"node 'w' \(Linear\): weight = 'ones'"),
        ({"w": {"type": "Lin"}, "c": LIF}, r"node 'w' \(Lin\): 'Lin' is not one of"),
        ({"w": {"type": "NIRGraph"}, "c": LIF}, r"node 'w': holds no graph of nodes"),
        ({"w": {}, "c": LIF}, "node 'w': has no type"),
        ({"c": {**LIF, "tau": np.full(4, 5e-3)}}, r"node 'c' \(LIF\): tau has 4 values for 3"),
        ({"c": {**LIF, "tau": np.full(3, 1e-3)}}, r"node 'c' \(LIF\): a time constant of 0.001 s"),
        ({"c": {**LIF, "tau": np.full(3, -1.0)}}, r"node 'c' \(LIF\): .* is not positive"),
        ({"conv": CONV, "c": LIF}, r"node 'c' \(LIF\): v_threshold has 3 values for 2"),
        ({"conv": {**CONV, "groups": 2}}, r"node 'conv' \(Conv2d\)"),
        ({"conv": {**CONV, "padding": "same", "stride": 2}}, r"node 'conv' \(Conv2d\): padding"),
        ({"conv": {**CONV, "stride": np.array([1.5, 1])}}, r"node 'conv' \(Conv2d\): stride"),
        ({"conv": {**CONV, "weight": np.ones((2, 3))}}, r"node 'conv' \(Conv2d\): a weight of"),
        ({"d": {"type": "Delay", "delay": np.array([1e-3, 2e-3, 0])}, "c": LIF},
         r"node 'd' \(Delay\): delays from 0 to 0.002 s"),
        ({"d": {"type": "Delay", "delay": np.array(1.5e-3)}, "c": LIF},
         r"node 'd' \(Delay\): 0.0015 s is not a whole number of steps"),
        ({"t": {"type": "Threshold", "threshold": np.ones(3)}},
         r"node 't' \(Threshold\): a Threshold must follow"),
        ({"li": {"type": "LI", "tau": np.full(3, 1.0), "r": np.ones(3), "v_leak": np.zeros(3)},
          "c": LIF}, r"node 'li' \(LI\): its potential goes on"),
        ({"s": {"type": "Scale", "scale": np.ones(2)}, "c": LIF},
         r"node 's' \(Scale\): scale has 2 values for 3"),
        ({"p": LIF, "a": {"type": "Affine", "weight": np.ones((3, 3)), "bias": np.full(3, -9.0)},
          "c": {**LIF, "v_leak": np.full(3, 0.5), "r": np.full(3, 3.0)}},
         r"node 'c' \(LIF\): its bias is so negative"),
        ({"a": {"type": "Affine", "weight": np.ones((3, 3)), "bias": np.full(3, 1.0)},
          "c": {**LIF, "type": "CubaLIF", "tau_mem": LIF["tau"], "tau_syn": LIF["tau"]}},
         r"node 'c' \(CubaLIF\): a bias into a synapse"),
        ({"c": {**LIF, "v_leak": np.full(3, 1.5)}}, r"node 'c' \(LIF\): it begins above its thr"),
        ({"c": LIF, "w": LINEAR, "o": {"type": "Output"}},
         r"node 'w' \(Linear\): what it gives reaches no neurons"),
        ({"w": LINEAR}, "the graph has no neurons"),
        ({"c": LIF, "o": {"type": "Output", "shape": np.array([4])}},
         r"node 'o' \(Output\): its shape is \[4\]"),
        ({"conv": {**CONV, "input_shape": np.array([2, 2])}, "c": LIF},
         r"node 'conv' \(Conv2d\): input_shape is \[2, 2\]"),
        ({"f": {"type": "Flatten", "input_type": np.array([2, 2])}, "c": LIF},
         r"node 'f' \(Flatten\): input_type is \[2, 2\]"),
        ({"conv": {**CONV, "dilation": 0}}, r"node 'conv' \(Conv2d\): dilation = \[0.0\] is not"),
        ({"d": {"type": "Delay", "delay": np.zeros(0)}, "c": LIF}, r"node 'd' \(Delay\): has no d"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused_by_the_name_of_its_node(
    nodes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScnnbioError, match=message) as caught:
        read(Given({"input": IN, **nodes}), 1.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lengths", "node", "message"),
    [
        ((3, 4), {"type": "Scale", "scale": np.ones(3)}, r"node 'x' \(Scale\): scale has 3 values"),
        ((2, 3), {**LIF, "v_threshold": np.ones((3, 2))}, r"node 'x' \(LIF\): v_threshold has 6"),
        ((3, 4), CONV, r"node 'x' \(Conv2d\): the input has the shape \(3, 4\)"),
        ((2, 4), {"type": "SumPool2d", "kernel_size": 1, "stride": 1, "padding": 0},
         r"node 'x' \(SumPool2d\): the input has the shape \(2, 4\)"),
    ],
)  # fmt: skip
def test_axes_that_do_not_fit_are_refused(
    lengths: tuple[int, ...], node: dict[str, Any], message: str
) -> None:
    shape = {"type": "Input", "shape": np.array(lengths)}
    with pytest.raises(SpecError, match=message):
        read(Given({"input": shape, "x": node, "c": {**LIF, "tau": 5e-3}}), 1.0)


def test_a_bias_that_a_delay_holds_back_behind_other_input_is_refused() -> None:
    """A spike before it begins would lose what holds it back."""
    affine = {"type": "Affine", "weight": np.eye(3), "bias": np.full(3, 0.3)}
    nodes = {"in": IN, "w": LINEAR, "a": affine, "d": {"type": "Delay", "delay": 2e-3}, "c": LIF}
    edges = [("in", "w"), ("w", "c"), ("in", "a"), ("a", "d"), ("d", "c")]
    with pytest.raises(SpecError, match=r"node 'c' \(LIF\): a bias reaches it through a Delay, 2"):
        read(Given(nodes, edges), 1.0)


def test_edges_that_lead_nowhere_or_round_are_refused() -> None:
    two = {"input": IN, "a": LIF, "b": LIF}
    with pytest.raises(SpecError, match=r"node 'x': the edge .* names no node"):
        read(Given(two, [("input", "x")]), 1.0)
    with pytest.raises(SpecError, match=r"node '[ab]' \(LIF\): is part of a loop over several"):
        read(Given(two, [("input", "a"), ("a", "b"), ("b", "a")]), 1.0)
    with pytest.raises(SpecError, match=r"node 'b' \(LIF\): no path leads to it"):
        read(Given(two, [("input", "a")]), 1.0)
    wide = {"input": IN, "other": {**IN, "shape": np.array([4])}, "a": LIF}
    with pytest.raises(SpecError, match=r"node 'a' \(LIF\): its inputs have the different shapes"):
        read(Given(wide, [("input", "a"), ("other", "a")]), 1.0)
    cuba = {**LIF, "type": "CubaLIF", "tau_mem": LIF["tau"], "tau_syn": LIF["tau"]}
    with pytest.raises(SpecError, match=r"node 'a' \(CubaLIF\): its spikes to itself"):
        read(Given({"input": IN, "a": cuba}, [("input", "a"), ("a", "a")]), 1.0)
    with pytest.raises(SpecError, match="its name would be 'a_1'"):
        read(Given({"input": IN, "a.1": LIF, "a_1": LIF}), 1.0)
    for changes in ({"dt": 0.0}, {"dt": "1 mV"}, {"integration": "rk4"}):
        with pytest.raises(SpecError, match=r"nir\.read"):
            read(Given(two), **{"dt": 1.0, **changes})
