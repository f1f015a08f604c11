"""What SpiNNaker's boards, configurations and delays allow, and what is said beyond it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.spinnaker import arithmetic, delays
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.errors import BackendMissing, DataError, SpecError
from scnnbio.stimuli import WhiteNoise
from tests.backends.spinnaker_cases import layers, pair, ran, refusal
from tests.oracles.spinnaker_board import driven

#: No board that a developer has is found.
pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "cloud"}, "backend.target: 'cloud' is not one of board, virtual, emulated"),
        ({"targt": "board"}, "backend: there is no option 'targt'; did you mean 'target'?"),
        ({"gap": "long"}, "backend.gap: 'long' is not a quantity; write it like"),
        ({"gap": -1.0}, "backend.gap: -1 ms is negative; write 0 or more"),
        ({"headroom": 0}, "backend.headroom: 0 is not above 0 and at most 1"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        backends.get("spinnaker", options)
    assert str(caught.value).startswith(message)


def test_without_a_board_the_model_runs_and_a_board_is_missed_with_a_remedy(home: Path) -> None:
    assert backends.get("spinnaker").options == {
        "target": "emulated",
        "gap": None,
        "headroom": 1.0,
    }
    board = backends.get("spinnaker", {"target": "board"})
    assert "no configuration of sPyNNaker: write ~/.spynnaker.cfg" in board.missing()
    with pytest.raises(BackendMissing, match=r"backend\.target=emulated"):
        board.run(driven(pair()))
    assert list(home.iterdir()) == [], "sPyNNaker writes a configuration where it finds none"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[Machine]\nversion = 5\n", BackendMissing, "it does not specify a board"),
        ("[Machine]\nvirtual_board = True\n", BackendMissing, "it configures a virtual board"),
        ("machine_name = here\n", DataError, "cannot be read as a configuration of sPyNNaker"),
        ("[Machine\n", DataError, "backend.target=emulated"),
    ],
)
def test_a_configuration_that_leads_nowhere_is_told(
    home: Path, text: str, error: type[Exception], message: str
) -> None:
    (home / ".spynnaker.cfg").write_text(text)
    with pytest.raises(error) as caught:
        backends.get("spinnaker", {"target": "board"}).run(driven(pair()))
    assert message in str(caught.value)
    assert str(home / ".spynnaker.cfg") in str(caught.value)


def test_two_configurations_are_one_too_many(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".spynnaker.cfg").write_text("[Machine]\nmachineName = 192.168.240.1\nversion = 5\n")
    assert backends.get("spinnaker").options["target"] == "board"
    second = home / "xdg"
    second.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(second))
    (second / ".spynnaker.cfg").write_text("[Machine]\nversion = 3\n")
    with pytest.raises(DataError, match=r"both configure sPyNNaker.*remove one"):
        backends.get("spinnaker", {"target": "board"}).run(driven(pair()))


@pytest.mark.slow
def test_the_model_needs_no_spynnaker() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['spynnaker', 'unicorn', 'pacman']))\n"
        "from scnnbio import backends\n"
        "assert backends.get('spinnaker', {'target': 'emulated'}).missing() == ''\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_clock_leaves_no_step_out() -> None:
    experiment = driven(pair(), reset=True, stimulus=WhiteNoise(3, 20.0, 20.0))
    lowered = lower(experiment, gap=7.0)
    assert isinstance(lowered, Lowered)
    clock, stamps = lowered.clock, np.arange(1, 61)
    np.testing.assert_array_equal(clock.stamps(clock.ticks(stamps)), stamps)
    everything = clock.stamps(np.arange(clock.total))
    assert clock.total == 3 * 20 + 2 * 7
    assert (everything == 0).sum() == 2 * 7


def test_delays_that_fit_are_bounded_by_what_cores_hold() -> None:
    # 14 bits for neuron, receptor and slot.
    assert [arithmetic.delay_slots(n) for n in (1, 64, 65, 128, 129, 5000)] == [
        8192, 128, 64, 64, 32, 32
    ]  # fmt: skip
    assert math.log2(arithmetic.delay_slots(256)) + 8 + 1 == 14


def test_delays_beyond_what_cores_hold_take_extensions_with_a_warning() -> None:
    # A current is one tick late: 33 ticks where 256 neurons have rings of 32.
    assert ran(layers(wide=31.0)).provenance["mapping"]["warnings"] == []
    told = ran(layers(wide=32.0)).provenance["mapping"]
    assert told["populations"][0]["delay extensions"] == 1
    assert told["warnings"] == [
        "population 'lgn': a delay of 33 ticks (lgn_wide) is longer than the 32 of its"
        " cores' ring buffers; it uses 1 delay extension of 32 ticks, each on a core of its own"
    ]
    # Two planes of the source, each with an extension of four stages of 64 ticks.
    told = ran(layers(plane=300.0)).provenance["mapping"]
    assert told["populations"][0]["delay extensions"] == 2
    assert "2 delay extensions of 256 ticks" in told["warnings"][0]


def test_delays_beyond_what_extensions_hold_are_refused_with_a_remedy() -> None:
    late = refusal(layers(wide=70.0))
    assert "70 ms is 71 ticks of the machine; cores with this many neurons hold 32" in late
    assert "shorten it to 63 ms, or use a longer dt" in late
    # Seven stages of 64 ticks fill a core's memory, and a turn of 64 follows, if it is not whole.
    assert "and 511 with delay extensions; shorten it to 510 ms" in refusal(layers(plane=600.0))
    assert refusal(layers(plane=510.0)) == ""
    assert "cores with different ring buffers (lgn_wide, lgn_small)" in refusal(
        layers(wide=40.0, small=100.0)
    )
    # A native layer makes planes of the source; a list behind these may have one stage only.
    assert refusal(layers(plane=100.0, small=100.0)) == ""
    assert "2 stages do not work for lists (lgn_small)" in refusal(layers(plane=150.0, small=100.0))
    assert "to 126 ms" in refusal(layers(plane=150.0, small=100.0))


def test_convolutions_are_taken_for_delays_that_they_keep() -> None:
    def path(delay: float) -> str:
        return ran(layers(plane=delay)).provenance["pathways"]["lgn_plane"]

    # Planes of 100 neurons have rings of 64: a whole turn is lost where it is not the only one.
    assert [path(ticks - 1.0) for ticks in (64, 65, 127, 128)] == [*["native"] * 3, "expanded"]
    assert delays.convolves_late(3, 32, 1.0)
    assert not delays.convolves_late(3, 32, 0.7), "0.7 x 3 / 0.7 is 2.9999999999999996"
