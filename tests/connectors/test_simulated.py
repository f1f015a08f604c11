"""What a spike does through a connector, against scipy and between simulators."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from scnnbio.connectors import ConvolutionConnector
from tests.connectors.scripts import STEP, cells, kernel, start


@pytest.mark.slow
@pytest.mark.parametrize("place", [(0, 1, 2), (1, 3, 3), (1, 0, 5)])
@pytest.mark.parametrize(
    ("stride", "padding"), [((1, 1), (0, 0)), ((2, 1), (1, 0)), ((1, 2), (2, 1))]
)
def test_one_spike_makes_the_current_of_a_correlation(brian2, place, stride, padding):
    connector = ConvolutionConnector(kernel(2, 2, 3, 2), (2, 5, 6), stride, padding)
    image = np.zeros(connector.in_shape)
    image[place] = 1.0
    # Oracle: scipy's correlation of the one-hot image, each channel, summed and subsampled.
    (sr, sc), (pr, pc) = stride, padding
    padded = np.pad(image, ((0, 0), (pr, pr), (pc, pc)))
    response = np.stack(
        [
            sum(correlate(padded[c], k[c], mode="valid", method="direct") for c in range(2))
            for k in connector.kernel
        ]
    )[:, ::sr, ::sc]

    times = [brian2.Sequence([2.0] if pixel else []) for pixel in image.ravel()]
    pre = brian2.Population(image.size, brian2.SpikeSourceArray(spike_times=times))
    post = cells(brian2, connector.out_shape, tau_syn_E=5.0, v_thresh=1e6)
    brian2.Projection(pre, post, connector, brian2.StaticSynapse(delay=1.0))
    group = post.brian2_group
    brian2.run(2.5)  # the spike has been sent, and has not arrived
    assert not np.asarray(group.ie).any()
    brian2.run(1.5)
    current = np.asarray(group.ie).reshape(connector.out_shape) * 1e9  # nA
    # Closed form: the kernel's taps, decayed by the same whole number of steps everywhere.
    scale = np.abs(current).max() / np.abs(response).max()
    steps = -np.log(scale) * 5.0 / STEP
    assert abs(steps - round(steps)) < 1e-6
    assert 0.5 <= steps * STEP <= 1.1
    np.testing.assert_allclose(current, scale * response, atol=1e-12)


@pytest.mark.slow
@pytest.mark.nest
def test_one_spike_makes_the_same_voltages_on_nest_and_brian2():
    connector = ConvolutionConnector(kernel(2, 2, 3, 2), (2, 5, 6), (2, 1), (1, 0))
    times = np.where(np.arange(60) == 33, 2.0, 50.0)
    peaks = []
    for name in ("brian2", "nest"):
        sim = start(name)
        spikes = [sim.Sequence([time]) for time in times]
        pre = sim.Population(60, sim.SpikeSourceArray(spike_times=spikes))
        post = cells(sim, connector.out_shape, tau_syn_E=5.0, tau_syn_I=5.0, v_thresh=1e6)
        sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
        post.record("v")
        sim.run(30.0)
        deflection = post.get_data().segments[0].analogsignals[0].magnitude + 65.0
        extreme = np.abs(deflection).argmax(axis=0)
        peaks.append(deflection[extreme, np.arange(post.size)])
        sim.end()
    assert np.abs(peaks[0]).max() > 0.1  # mV: there is something to compare
    # Both integrate this linear cell exactly; the simulators' grids differ by a step in time.
    np.testing.assert_allclose(peaks[0], peaks[1], rtol=1e-3, atol=1e-9)
