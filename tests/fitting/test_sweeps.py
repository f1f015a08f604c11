"""Sweeps of current clamp from arrays and files: read as written, or one clear error."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio.errors import DataError, SpecError
from scnnbio.recording.sweep_files import read_sweeps
from scnnbio.recording.sweeps import Sweep

CURRENT = np.array([[0.0, 100.0, 100.0, 0.0], [0.0, -50.0, -50.0, 0.0]])  # pA
POTENTIAL = np.array([[-70.0, -70.0, -68.0, -67.0], [-70.0, -70.0, -71.0, -71.5]])  # mV


def test_spikes_are_upward_crossings() -> None:
    potential = np.array([-70.0, -30.0, 10.0, 20.0, -40.0, -20.0, -60.0])
    sweep = Sweep(np.zeros(7), potential, 0.5)
    assert sweep.spikes().tolist() == [1.0, 2.5]  # at the level counts
    assert sweep.spikes("0 mV").tolist() == [1.0]
    with pytest.raises(SpecError, match="begins at -70 mV, above the -80 mV"):
        sweep.spikes(-80.0)


def test_on_a_grid() -> None:
    sweep = Sweep(np.arange(7.0), np.arange(7.0) - 70.0, 0.05)
    coarse = sweep.on_grid(0.15)
    assert coarse.current.tolist() == [1.0, 4.0]  # means; the seventh sample is left out
    assert coarse.potential.tolist() == [-70.0, -67.0]
    assert sweep.on_grid("50 us") is sweep
    with pytest.raises(SpecError, match="not a whole number of periods"):
        sweep.on_grid(0.12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"potential": [-70.0, np.nan, -70.0]}, "sample 1, at 0.1 ms, is nan"),
        ({"current": [0.0, 0.1]}, "the current has 2 samples and the potential 3"),
        ({"potential": [-0.07, -0.06, 0.03]}, "look like volts"),
        ({"potential": [-7e4, -6e4, 3e4]}, "look like microvolts"),
        ({"current": [0.0, 300.0, 0.0]}, "looks like pA"),
        ({"potential": ["-70 pA"] * 3}, "is a current"),
        ({"period": 0.0}, "is not positive"),
        ({"current": [[0.0], [1.0], [2.0]]}, "not that of two or more samples"),
    ],
)
def test_refusals(changes: dict[str, Any], said: str) -> None:
    given = {"current": np.zeros(3), "potential": [-70.0] * 3, "period": 0.1}
    with pytest.raises(SpecError, match=said):
        Sweep(**{**given, **changes})


def check(sweeps: tuple[Sweep, ...]) -> None:
    for k, sweep in enumerate(sweeps):
        assert sweep.period == 0.1
        np.testing.assert_allclose(sweep.current, CURRENT[k] / 1000, rtol=1e-12)
        np.testing.assert_allclose(sweep.potential, POTENTIAL[k], rtol=1e-12)


def write_csv(path: Path, head: str = "sweep,time_ms,current_pA,potential_V") -> Path:
    rows = [
        f"{'ab'[k]},{t / 10},{CURRENT[k, t]},{POTENTIAL[k, t] / 1000}"
        for k in range(2)
        for t in range(4)
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_csv(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv")
    sweeps = read_sweeps(file)
    check(sweeps)
    assert [s.name for s in sweeps] == ["a", "b"]
    (second,) = read_sweeps(file, ["b"], window=(0.1, 0.3))
    assert second.potential.tolist() == pytest.approx([-70.0, -71.0])
    with pytest.raises(SpecError, match="there is no sweep 'c'"):
        read_sweeps(file, ["c"])
    with pytest.raises(SpecError, match=r"0 to 9 ms is not within the 0.4 ms"):
        read_sweeps(file, window=(0.0, 9.0))
    for head, said in (
        ("sweep,time_ms,current_pA,v", "no 'potential' with a unit, such as 'potential_mV'"),
        ("sweep,time_ms,current_mV,potential_V", "current_mV: 'mV' is not one of A, nA, pA"),
        ("sweep,t,current_pA,potential_V", "no times, 'time_ms'"),
    ):
        with pytest.raises(SpecError, match=said):
            read_sweeps(write_csv(tmp_path / "b.csv", head))
    (tmp_path / "c.csv").write_text(
        "time_ms,current_pA,potential_mV\n0,0,-70\n0.1,0,-70\n0.9,0,-70\n"
    )
    with pytest.raises(SpecError, match="do not increase by equal steps"):
        read_sweeps(tmp_path / "c.csv")


def test_npz(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, current_pA=CURRENT, potential_mV=POTENTIAL, period_us=100.0, sweep=["a", "b"])
    check(read_sweeps(file))
    np.savez(file, current_pA=CURRENT, potential_mV=POTENTIAL[:1], period_ms=0.1)
    with pytest.raises(SpecError, match=r"shape \(2, 4\) and the potential \(1, 4\)"):
        read_sweeps(file)
    np.savez(file, current_pA=CURRENT, potential_mV=np.array([None]), period_ms=0.1)
    with pytest.raises(DataError, match="not an npz file"):
        read_sweeps(file)
    (tmp_path / "x.npz").write_bytes(b"no")
    with pytest.raises(DataError, match="not an npz file"):
        read_sweeps(tmp_path / "x.npz")
    with pytest.raises(DataError, match="no such file"):
        read_sweeps(tmp_path / "absent.npz")
    with pytest.raises(SpecError, match=r"are read from .nwb, .npz, .csv"):
        read_sweeps(tmp_path / "a.mat")


def write_nwb(path: Path, kind: str = "current", number: int = 3, rate: float = 1e4) -> Path:
    """One sweep of an NWB file; in the files of laboratories the data are in mV and pA."""
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("one cell", "session", when)
    electrode = file.create_icephys_electrode(
        name="e", description="patch", device=file.create_device("amplifier")
    )
    common = {"electrode": electrode, "gain": 1.0, "sweep_number": np.uint64(3)}
    if kind == "voltage":
        file.add_acquisition(
            icephys.VoltageClampSeries(
                name="v", data=CURRENT[0], conversion=1e-12, rate=1e4, **common
            )
        )
    else:
        file.add_acquisition(
            icephys.CurrentClampSeries(
                name="response", data=POTENTIAL[0], conversion=1e-3, rate=1e4, **common
            )
        )
        file.add_stimulus(
            icephys.CurrentClampStimulusSeries(
                name="stimulus", data=CURRENT[0], conversion=1e-12, rate=rate,
                **{**common, "sweep_number": np.uint64(number)},
            )
        )  # fmt: skip
        if number == 0:
            file.add_intracellular_recording(
                electrode=electrode,
                stimulus=file.stimulus["stimulus"],
                response=file.acquisition["response"],
            )
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path


def test_nwb(tmp_path: Path) -> None:
    # Joined by number, and, where the numbers differ, by the table of recordings.
    for name, number in (("number", 3), ("table", 0)):
        (sweep,) = read_sweeps(write_nwb(tmp_path / f"{name}.nwb", number=number))
        check((sweep,))
        assert sweep.name == "response"
    with pytest.raises(SpecError, match="response: no table joins it"):
        read_sweeps(write_nwb(tmp_path / "apart.nwb", number=4))
    with pytest.raises(SpecError, match=r"a sample per 0\.1 ms and the current one per 0\.2 ms"):
        read_sweeps(write_nwb(tmp_path / "rates.nwb", rate=5e3))
    clamped = write_nwb(tmp_path / "voltage.nwb", kind="voltage")
    with pytest.raises(SpecError, match="no CurrentClampSeries: its 1 series are voltage clamp"):
        read_sweeps(clamped)
    with pytest.raises(SpecError, match="v: is voltage clamp"):
        read_sweeps(clamped, ["v"])
    (tmp_path / "x.nwb").write_bytes(b"no")
    with pytest.raises(DataError, match="not an NWB file"):
        read_sweeps(tmp_path / "x.nwb")
