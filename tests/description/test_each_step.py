"""A rule that acts in each step is described in full."""

from __future__ import annotations

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.description import describe
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import EachStep, Trace, TraceRule
from scnnbio.population import Population, SpikeSource
from scnnbio.values import canonical
from tests.description.checking import check_formulas, check_numbers, formulas, parsed
from tests.description.reading import scalars


def test_a_rule_that_acts_in_each_step_is_described_in_full() -> None:
    each = EachStep(
        "-0.031*I_exc*e", {"v": "mV", "I_exc": "nA"}, "x*clip(1 - abs(v + 50)/12.7, 0, 1)", 17.3
    )
    rule = TraceRule(traces={"x": Trace("pre", 19.1)}, each_step=each)
    kernel = ConvolutionConnector(np.full((1, 1, 2, 2), 0.5), (1, 4, 4))
    layers = (Population("in", (1, 4, 4), SpikeSource()), Population("out", (1, 3, 3), LIF))
    found = describe(Network(layers, (Projection("in", "out", kernel, 0.5, plasticity=rule),)))
    check_numbers(parsed(found), scalars(canonical(rule)))
    check_formulas(found)
    text = formulas(found)
    assert r"\frac{d e}{dt} = -\frac{e}{\tau_{\mathrm{e}}}" in text
    assert any(one.startswith(r"w \leftarrow w + \sum \left(- 0.031") for one in text)
    assert any(one.startswith(r"e \leftarrow e + ") for one in text)
