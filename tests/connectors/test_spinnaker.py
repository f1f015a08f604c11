"""Connections as sPyNNaker takes them: their arithmetic, and what its virtual board holds of them.

That the machine turns kernels over, and where its convolution is wrong, was measured on its own
binaries; what is tested here is that the kernel is turned and that the rest goes to lists.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from scnnbio.connectors import (
    ConvolutionConnector,
    LateralInhibitionConnector,
    PoolingConnector,
    for_spinnaker,
)
from scnnbio.connectors.spinnaker import by_sign, convolves, turned
from scnnbio.errors import BackendMissing, UnsupportedError
from tests.connectors.scripts import signed_kernel


@pytest.mark.parametrize(
    "connector",
    [
        ConvolutionConnector(signed_kernel(2, 2, 3, 2), (2, 5, 4), stride=2, padding=1),
        ConvolutionConnector(signed_kernel(2, 2, 2, 2, 3), (2, 4, 4), lags=[0.0, 3.0, 4.5]),
        ConvolutionConnector(
            np.where(signed_kernel(2, 1, 3, 3) > 0, 0.5, 0.0), (2, 4, 4), groups=2
        ),
        PoolingConnector((2, 4, 4), 2, mode="sum", weight=-1.0),
        LateralInhibitionConnector((2, 3, 3), "both", 1, 0.5, profile=[1.0, 0.5]),
    ],
    ids=["convolution", "lags", "groups", "pooling", "lateral"],
)
def test_signed_lists_hold_every_weight_once(connector):
    inhibits = isinstance(connector, LateralInhibitionConnector)
    edges, lags = connector.edges(), connector.lags or (0.0,)
    # Definition: the excitatory receptor takes what is above zero, the other one what is below.
    expected = sorted(
        (pre, post, lags[tap % len(lags)], -weight if inhibits else weight)
        for pre, post, tap in zip(edges.pre, edges.post, edges.tap, strict=True)
        if (weight := connector.kernel.flat[tap]) != 0
    )
    parts = by_sign(connector)
    found = sorted(
        (pre, post, part.lag, weight * (1 if part.receptor == "excitatory" else -1))
        for part in parts
        for pre, post, weight in zip(part.pre, part.post, part.weight, strict=True)
    )
    assert found == expected
    assert all(part.weight.min() > 0 for part in parts)
    assert len({(part.receptor, part.lag) for part in parts}) == len(parts)


@pytest.mark.parametrize(
    ("connector", "reason"),
    [
        (ConvolutionConnector(signed_kernel(1, 1, 3, 3), (1, 5, 5), padding=1), ""),
        (ConvolutionConnector(signed_kernel(2, 2, 5, 5), (2, 8, 9)), ""),
        (ConvolutionConnector(signed_kernel(1, 1, 3, 5), (1, 6, 6)), "not square"),
        (ConvolutionConnector(signed_kernel(1, 1, 2, 2), (1, 6, 6)), "even size"),
        (ConvolutionConnector(signed_kernel(1, 1, 3, 3), (1, 7, 7), stride=2), "stride"),
        (ConvolutionConnector(signed_kernel(1, 1, 3, 3), (1, 7, 7), padding=(1, 0)), "differently"),
        (ConvolutionConnector(signed_kernel(1, 1, 3, 3, 1), (1, 7, 7), lags=[0]), "lags"),
        (ConvolutionConnector(signed_kernel(2, 1, 3, 3), (2, 7, 7), groups=2), "groups"),
        (PoolingConnector((1, 6, 6), 3, 1), "not a convolution"),
    ],
)
def test_what_the_machine_convolves_rightly(connector, reason):
    told = convolves(connector)
    assert reason in told
    assert bool(told) == bool(reason)


def test_a_kernel_is_turned_over_in_both_axes():
    whole = np.arange(18.0).reshape(2, 1, 3, 3)
    np.testing.assert_array_equal(turned(whole)[0, 0], [[8, 7, 6], [5, 4, 3], [2, 1, 0]])


def test_first_spikes_are_refused():
    with pytest.raises(UnsupportedError, match="PoolingConnector: pooling by the first spike"):
        by_sign(PoolingConnector((1, 4, 4), 2, mode="first-spike"))


def test_without_spynnaker(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match=r"pip install .*\[spinnaker\]"):
        for_spinnaker(PoolingConnector((1, 4, 4), 2), None, None)


SCRIPT = textwrap.dedent(
    """
    import numpy as np
    from pathlib import Path

    Path("xdg").mkdir()
    Path("xdg/.spynnaker.cfg").write_text(
        "[Machine]\\nvirtual_board = True\\nversion = 5\\n[Mode]\\nmode = Production\\n"
        "[Reports]\\nwrite_network_graph = False\\ndefault_report_file_path = .\\n"
    )
    import spynnaker.pyNN as sim
    from scnnbio.connectors import ConvolutionConnector, for_spinnaker

    def layer(cell, shape):
        channels, rows, columns = shape
        grid = {"structure": sim.Grid2D(columns / rows)} if channels == 1 else {}
        made = sim.Population(channels * rows * columns, cell, **grid)
        if channels == 1:
            made.set_max_atoms_per_core((columns, rows))
        return made

    sim.setup(1.0)
    rng = np.random.default_rng(0)
    plane = ConvolutionConnector(rng.normal(size=(1, 1, 3, 3)), (1, 6, 4), padding=1)
    lagged = ConvolutionConnector(rng.normal(size=(2, 2, 2, 3, 2)), (2, 5, 4), lags=[0, 3])
    made = []
    for connector in (plane, lagged):
        pre = layer(sim.SpikeSourceArray([1.0]), connector.in_shape)
        post = layer(sim.IF_curr_exp(), connector.out_shape)
        made += [
            (arguments, sim.Projection(pre, post, **arguments))
            for arguments in for_spinnaker(connector, pre, post, delay=2.0)
        ]
    sim.run(5)
    (native, _), *lists = made
    weights = native["connector"].kernel_weights
    np.testing.assert_array_equal(weights, plane.kernel[0, 0, ::-1, ::-1])
    rows = []
    for arguments, projection in lists:
        sign = 1 if arguments["receptor_type"] == "excitatory" else -1
        for pre, post, weight, delay in projection.get(["weight", "delay"], "list"):
            rows.append((pre, post, delay, sign * weight))
    edges = lagged.edges()
    delays = 2.0 + lagged.edge_lags(edges)
    order = np.lexsort((delays, edges.post, edges.pre))
    expected = np.column_stack(
        [edges.pre, edges.post, delays, lagged.kernel.ravel()[edges.tap]]
    )[order]
    found = np.array(sorted(rows, key=lambda row: row[:3]), float)
    np.testing.assert_array_equal(found[:, :3], expected[:, :3])
    # The machine keeps 16 bits of a weight.
    np.testing.assert_allclose(found[:, 3], expected[:, 3], atol=2**-10)
    sim.end()
    print("same", len(found), len(lists))
    """
)


@pytest.mark.slow
@pytest.mark.spinnaker
def test_a_virtual_board_holds_the_connections(tmp_path):
    if importlib.util.find_spec("spynnaker") is None:
        pytest.skip("pip install '.[spinnaker]' brings what this test needs")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # 2 x 2 x 2 x 3 taps at 4 x 2 places, at each of two lags; two signs at each lag.
    assert done.stdout.split()[-3:] == ["same", "384", "4"]
