"""What the pages of docs/how_to show in Python runs as it stands there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scnnbio.experiment import load
from scnnbio.recording import Recording, Spikes
from tests.connectors.scripts import compile_mechanisms

FOLDER = Path(__file__).parent.parent / "docs" / "how_to"


def blocks(name: str) -> list[str]:
    """The Python of a page, block by block."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run_page(name: str, *arguments: str, told: tuple[str, ...] = ()) -> str:
    """What the blocks of a page print, each run alone as it is printed.

    Parameters
    ----------
    name : str
    *arguments : str
        Of the command line.
    told : tuple of str
        Beginnings of warnings that are not ours; all others are errors.
    """
    return "".join(run_block(code, *arguments, told=told) for code in blocks(name))


def run_block(
    code: str, *arguments: str, told: tuple[str, ...] = (), place: Path = FOLDER.parent.parent
) -> str:
    """What a block prints, run from the project's folder or another place."""
    ours = [word for start in told for word in ("-W", f"ignore:{start}")]
    folder = str(Path(sys.executable).parent)  # where the scripts of the environment are
    done = subprocess.run(
        [sys.executable, "-W", "error", *ours, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env={**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", "")])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_noise() -> None:
    counts, fano = run_page("noise.md").rsplit(maxsplit=1)
    trials = [int(n) for n in counts.strip("[]").split()]
    # Both trials are drawn from one distribution, and neurons fire less regularly than not at all.
    assert len(trials) == 2
    assert trials[0] != trials[1]
    assert abs(trials[0] / trials[1] - 1) < 0.1
    assert 0.0 < float(fano) < 1.5


@pytest.mark.slow
def test_describe() -> None:
    """Blocks one after another; times, trials and counts are those that the page gives."""
    printed = run_block("\n".join(blocks("describe.md")))
    assert printed.splitlines() == [
        "Description('v1_grating: A drifting grating before the trained V1 layer': 11 tables of"
        " 58 rows)",
        "2 True",
        "[ 12.5  40.  103. ] (6, 1, 1)",
        "[0 0 1] True",
    ]


@pytest.mark.slow
def test_inputs() -> None:
    injected, images, several = run_page("inputs.md").splitlines()
    # -20 ms log(1 - 15 mV/(R I)) after 50 ms: 35.84 ms at 900 pA, 15.35 ms at 1400 pA.
    assert injected == "[65.4 80.8 85.9 96.2] [0.9 1.4]"
    assert len(images.strip("[]").split()) == 10
    assert several == "[ 5.  12.5 30. ] [7 2]"


@pytest.mark.slow
def test_events() -> None:
    ramp, *told = run_page("events.md").splitlines()
    # k thresholds of 0.3 on a rise of 1 in 100 ms.
    assert ramp == "[30. 60. 90.]"
    assert told[:2] == ["0 (16, 16) True True", "1 (16, 16) True True"]
    assert told[2] == "True"
    assert re.match(r"Events\(\d+ events of 16 x 16 pixels over", told[3])
    assert told[4] == "[800, 800] 3"  # 2000 events over 100 ms, the last before 100 ms
    assert told[5] == "[ 90. 180.] True"


@pytest.mark.slow
def test_physiology() -> None:
    told = run_page("physiology.md").splitlines()
    found = {line.split(":")[0]: float(line.split()[1]) for line in told[:3]}
    # The curve 1 + 30 exp(2 cos 2x - 2): of its true rates, and half of a width of the fit.
    angles = np.deg2rad(np.arange(12) * 30.0)
    rates = 1 + 30 * np.exp(2 * np.cos(angles) - 2)
    variance = 1 - abs((rates * np.exp(1j * angles)).sum()) / rates.sum()
    assert found["circular_variance"] == pytest.approx(variance, abs=0.05)
    width = np.rad2deg(np.arccos(1 - np.log(2) / 2)) / 2
    assert found["fitted_half_width"] == pytest.approx(width, abs=3.0)
    assert told[-2].startswith("0")
    assert told[-1].startswith("Network(populations: lgn 2 x 17 x 17, control 16 x 3 x 3")


@pytest.mark.slow
def test_neurons() -> None:
    told = run_page("neurons.md")
    assert "-w/tau_w" in told
    assert "uses inconsistent units" in told
    assert "'v / tau_m' has unit V/s)" in told
    assert "I_exc_0*exp(-t/tau_syn_E)" in told
    # 1/(20 ms ln(I R/(I R - 15 mV))) with R = 20 MOhm; none below the rheobase of .75 nA.
    assert "[ 0.         36.06737602 72.13475204]" in told
    assert "tau=10.0" in told


@pytest.mark.slow
def test_fitting(tmp_path: Path) -> None:
    (code,) = blocks("fitting.md")
    values, resistance = run_block(code, place=tmp_path).splitlines()
    # What the closed form in the block has.
    assert values == "{'v_rest': -70.0, 'tau_m': 20.0, 'cm': 0.2}"
    assert resistance == "100.0 MOhm"
    assert (tmp_path / "neuron.toml").is_file()


@pytest.mark.slow
def test_python(tmp_path: Path) -> None:
    study, experiment, measures = blocks("python.md")
    told = run_block(study, place=tmp_path).splitlines()
    # The profile shows four orientations at one spatial frequency, and a blank.
    assert told[0].startswith("(5, ")
    assert {line.split()[0] for line in told[1:]} == {
        bound.claim for bound in load("v1_features").claims
    }
    assert run_block(experiment, place=tmp_path) == "brian2 48\n"
    # The front page of the site does the same with scnnbio.load.
    (front,) = blocks("../index.md")
    assert {line.split()[0] for line in run_block(front, place=tmp_path).splitlines()} == {
        bound.claim for bound in load("v1_features").claims
    }
    table, names, found = run_block(measures, place=tmp_path).rstrip().rsplit("\n", 2)
    assert names == "['orientation_deg', 'spatial_frequency']"
    assert found == "True"
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["0", "1", "2", "3"]


@pytest.mark.slow
def test_learning() -> None:
    eprop, told = run_page("learning.md").split("\n", 1)
    # Of four patterns; 60 draws of them that were not learned.
    before, after = (float(x) for x in re.findall(r"0\.\d+|1\.00", eprop))
    assert before < 0.7
    assert after > 0.9
    assert told.startswith("(16, 2, 9, 9) {'v1': ")
    # At most one map fires at each of nine places in 300 trials, each once or a few times.
    assert 300 < int(re.findall(r"\d+", told)[-1]) < 9 * 300 * 4


@pytest.mark.slow
def test_digits() -> None:
    chosen, *table = run_page("digits.md").splitlines()
    accuracy = float(re.findall(r"Accuracy\(([\d.]+) %", chosen)[0])
    # Eight of twenty spikes, on average, are in the channel of the label beside its third of the
    # others: 12 of 20 and 4 in each other one. To chance, 33 % would be right.
    assert accuracy > 90
    counts = np.array([row.split()[1:] for row in table[2:]], dtype=int)
    assert counts.sum(axis=1).tolist() == [20, 20, 20]
    assert counts.trace() == round(0.6 * accuracy)


@pytest.mark.slow
def test_training() -> None:
    pytest.importorskip("torch")
    # Held-out digits, of which one in ten is right by chance.
    assert float(run_page("training.md")) > 0.75


@pytest.mark.slow
def test_nir() -> None:
    pytest.importorskip("nir")
    # With a gain of 1, a neuron fires where the weights of the three inputs come to more than 1.
    weights = np.random.default_rng(1).normal(0.5, 0.5, (6, 8))
    first, second = weights[:, 0] + weights[:, 3], weights[:, 5]
    early = first > 1.0
    late = np.where(early, 0.0, first) * 0.95 + second > 1.0
    units = sorted([*np.flatnonzero(early), *np.flatnonzero(late)])
    assert units
    assert run_page("nir.md") == f"{{'input': 0, 'lif': 1}} {[int(u) for u in units]}\n"


@pytest.mark.slow
def test_conversion() -> None:
    pytest.importorskip("torch")
    first, _, digits, plain, calibrated = run_page("conversion.md").splitlines()
    # With as many steps as levels, the first layer is exact.
    assert first == "layer2 0.000"
    assert len(digits.split()) == 5
    # Counts are rounded down, and calibrated counts less so.
    before, after = (
        [float(n) for n in re.findall(r"-?[\d.]+", line)] for line in (plain, calibrated)
    )
    assert max(before) < 0
    assert all(abs(a) < 0.5 * abs(b) for a, b in zip(after, before, strict=True))


@pytest.mark.slow
def test_sweeps(tmp_path: Path) -> None:
    (code,) = blocks("sweeps.md")
    told = run_block(code, place=tmp_path).splitlines()
    assert [line.split()[1:] for line in told[1:]] == [
        ["1", "1", "2", "done"],
        ["2", "1", "3", "done"],
    ]


def test_every_page_with_python_is_run() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    # test.md shows a test of a reader's own backend, as tests/contract/test_support.py has one.
    for page in set(FOLDER.glob("*.md")) - {FOLDER / "test.md"}:
        assert not blocks(page.name) or f'("{page.name}"' in here, page.name


@pytest.mark.slow
def test_what_a_run_or_a_comparison_left_is_read(tmp_path: Path) -> None:
    # The files that the commands above the blocks write, of a recording whose spikes are known.
    units = np.array([0, 1, 1])
    trials = {"stage": np.array(["gratings"] * 6), "duration": np.full(6, 1000.0)}
    spikes = {"v1": Spikes(np.array([10.0, 20.0, 30.0]), units, np.array([0, 1, 5]))}
    recording = Recording(spikes, {"v1": (2, 1, 1)}, trials)
    kept = tmp_path / "runs/compare/recordings"
    for file in (
        tmp_path / "runs/full/recording.h5",
        kept / "grating_brian2-standalone.h5",
        kept / "grating_nest.h5",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        recording.save(file)
    (run,) = blocks("v1_features.md")
    assert run_block(run, place=tmp_path) == "(6, 2) 5\n"
    (compare,) = blocks("compare.md")
    # The same spikes: all neurons identical, at no distance, with no difference of rate.
    assert run_block(compare, place=tmp_path).split() == ["1.0", "0.0", "0.0"]


@pytest.mark.slow
def test_motion() -> None:
    told = run_page("motion.md")
    (left, right), (left_after, right_after) = (
        [float(number) for number in re.findall(r"[\d.]+", line)]
        for line in told.splitlines()
        if line.startswith(("before", "after"))
    )
    # The untrained kernel has no direction; what was shown is what is preferred.
    assert abs(left - right) < 0.3 * (left + right)
    assert left_after - right_after > 0.5 * (left_after + right_after)
    assert left_after > 20


@pytest.mark.slow
@pytest.mark.nest
def test_nest() -> None:
    assert run_page("nest.md").split()[-1] == "True"


@pytest.mark.slow
@pytest.mark.parametrize(
    "simulator",
    [
        "brian2",
        pytest.param("nest", marks=pytest.mark.nest),
        pytest.param("neuron", marks=pytest.mark.neuron),
    ],
)
def test_pynn(simulator: str) -> None:
    if importlib.util.find_spec(simulator) is None:
        pytest.skip(f"pip install '.[{simulator}]' brings what this test needs")
    if simulator == "neuron":
        compile_mechanisms()
    foreign = (
        "Cannot find nest-config",
        "Problem running cmake",
        "Unable to",
        "\n",
        "mpi4py not available",
    )
    printed = run_page("pynn.md", simulator, told=foreign).strip().splitlines()[-1]
    # One spike at each place of the map that prefers this direction, none in the other.
    assert printed == f"{simulator} simple: [28  0] complex: [28  0]"


#: Runs the blocks of a page in one process: one after another with shared names, then each alone.
TOGETHER_AND_ALONE = """
import os, pathlib, re, sys, tempfile
code = re.findall(r"```python\\n(.*?)```", pathlib.Path(sys.argv[1]).read_text("utf-8"), re.DOTALL)
os.chdir(tempfile.mkdtemp())
shared = {}
for block in code:
    exec(compile(block, sys.argv[1], "exec"), shared)
print("alone")
for block in code:
    os.chdir(tempfile.mkdtemp())
    exec(compile(block, sys.argv[1], "exec"), {})
"""


def run_together_and_alone(name: str) -> tuple[list[str], list[str]]:
    """Lines that the blocks of a page print: one after another, and each in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TOGETHER_AND_ALONE, str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    together, alone = done.stdout.split("alone\n")
    return together.splitlines(), alone.splitlines()


@pytest.mark.slow
def test_own_equations() -> None:
    together, alone = run_together_and_alone("own_equations.md")
    assert together == alone  # the last block prints nothing
    assert together[0] == "-w/tau_w"
    # The kernel with a horizontal bar prefers horizontal bars, its transpose vertical ones.
    found = [float(line.split()[1]) for line in together if line[:1] in "01"]
    assert min(found[0], 180 - found[0]) <= 25
    assert abs(found[1] - 90) <= 25


@pytest.mark.slow
def test_own_photographs() -> None:
    together, alone = run_together_and_alone("own_photographs.md")
    assert together[0] == alone[0] == "3 pictures"
    # Together, the three files are those that are shown; alone, those that come with scnnbio.
    assert [line.split()[0] for line in together[1:4]] == ["0.png", "1.png", "2.png"]
    assert together[4] == alone[-2] == "(8, 2, 7, 7) kernels"


@pytest.mark.slow
def test_own_recording() -> None:
    pytest.importorskip("pynwb")
    together, alone = run_together_and_alone("own_recording.md")
    # All five cells have the curve 1 + 30 exp(2 cos 2x - 2), at eight directions.
    angles = np.deg2rad(np.arange(8) * 45.0)
    rates = 1 + 30 * np.exp(2 * np.cos(2 * angles) - 2)
    truth = 1 - abs((rates * np.exp(2j * angles)).sum()) / rates.sum()
    found = [float(n) for n in re.findall(r"[\d.]+", together[0])]
    assert len(found) == 5
    assert np.mean(found) == pytest.approx(truth, abs=0.06)
    assert alone == []
