"""The command line: exit codes, and one line on standard error for everything that is wrong."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

from tests.cli_calls import FILE, IMAGES, SMALL


def test_too_little_memory_is_one_line(
    invoke: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 2.33 TiB for an array")

    monkeypatch.setattr("scnnbio.workflow.main.execute", full)
    code, _, err = invoke("run", FILE, "--profile", "tiny", "--out", tmp_path / "out")
    assert code == 2
    assert err.splitlines()[-1].startswith("error: there is not enough memory (Unable to allocate")
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_are_skipped_are_said_in_one_line(
    invoke: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (99, 99), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"\0\5\26\7")
    place = f"stages.learn.stimulus.images={tmp_path}"
    code, _, err = invoke("check", FILE, *SMALL, "--set", place)
    assert code == 0
    skipped = "one of its entries is not read as photographs: ._a.png (hidden file)"
    assert err == f"warning: {tmp_path}: {skipped}\n"


def inline_with_nan(folder: Path) -> Path:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    document["network"] = {
        "populations": [
            {"name": "lgn", "shape": [2, 2, 2], "neuron": "SpikeSource"},
            {"name": "v1", "shape": [1, 1, 1], "neuron": "LIF"},
        ],
        "projections": [
            {
                "pre": "lgn",
                "post": "v1",
                "connector": {
                    "kind": "convolution",
                    "kernel": [[[[0.5, float("nan")], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]]],
                },
            }
        ],
    }
    document["stages"] = {"learn": document["stages"]["learn"]}
    document["claims"] = []
    path = folder / "nan.toml"
    path.write_text(tomli_w.dumps(document))
    return path


def empty_folder(folder: Path) -> Path:
    (folder / "none").mkdir()
    (folder / "none" / "notes.txt").write_text("no picture")
    return folder / "none"


def corrupt_image(folder: Path) -> Path:
    place = folder / "pictures"
    place.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 60), dtype=np.uint8)
    Image.fromarray(pixels).save(place / "good.png")
    (place / "bad.png").write_bytes((place / "good.png").read_bytes()[:200])
    return place


#: name → (words after `run`, what the line on standard error must hold)
BAD: dict[str, tuple[Callable[[Path], list[object]], list[str]]] = {
    "unknown key": (
        lambda _: [FILE, *SMALL, "--set", "stages.learn.stimulus.zom=2"],
        ["stages.learn.stimulus: unknown key 'zom'", "did you mean 'zoom'"],
    ),
    "wrong unit": (
        lambda _: [FILE, *SMALL, "--set", 'network.parameters.tau_m="20 mV"'],
        ["network.parameters.tau_m: '20 mV' is a voltage, but a time is needed"],
    ),
    "kernel larger than input": (
        lambda _: [FILE, *SMALL, "--set", "network.parameters.size=40"],
        ["network.parameters.size: a kernel of 40 x 40 does not fit"],
    ),
    "NaN in a kernel": (
        lambda folder: [inline_with_nan(folder)],
        ["network.projections[0].connector.kernel", "nan", "finite"],
    ),
    "delay below dt": (
        lambda _: [FILE, *SMALL, "--set", "network.parameters.delay=0.5"],
        ["stages.learn.projection 'lgn_v1'.delay: 0.5 ms is below the time step of 1.0 ms"],
    ),
    "folder without images": (
        lambda folder: [FILE, *SMALL, "--set", f"{IMAGES}={empty_folder(folder)}"],
        ["none: the folder holds no photographs"],
    ),
    "no such folder of images": (
        lambda folder: [FILE, *SMALL, "--set", f"{IMAGES}={folder / 'nowhere'}"],
        ["nowhere: no such folder"],
    ),
    "corrupt image": (
        lambda folder: [FILE, *SMALL, "--set", f"{IMAGES}={corrupt_image(folder)}"],
        ["bad.png: cannot be read as an image"],
    ),
    "unwritable output": (
        lambda folder: [FILE, *SMALL, "--out", inline_with_nan(folder) / "below"],
        ["below: cannot be written (Not a directory)"],
    ),
    "output taken": (
        lambda folder: [FILE, *SMALL, "--out", inline_with_nan(folder)],
        ["exists already; choose another --out, or add --force"],
    ),
    "force on what is no run": (
        lambda folder: [FILE, *SMALL, "--force", "--out", empty_folder(folder)],
        ["is not the folder of a run"],
    ),
    "a backend without options": (
        lambda _: [FILE, *SMALL, "--set", "backend.threads=2"],
        ["backend: there is no option 'threads'; there are none"],
    ),
    "no such file": (lambda _: ["nowhere.toml"], ["nowhere.toml: cannot be read"]),
    "no such experiment": (lambda _: ["v1_feature"], ["did you mean 'v1_features'"]),
    "no such profile": (
        lambda _: [FILE, "--profile", "tny"],
        ["profiles: there is no profile 'tny'; did you mean 'tiny'"],
    ),
    "no such backend": (lambda _: [FILE, "--backend", "brain2"], ["no backend 'brain2'"]),
    "no such claim": (
        lambda _: [FILE, *SMALL, "--set", 'claims=[{claim="isi_vc", stage="learn"}]'],
        ["claims[0].claim: there is no claim 'isi_vc'; did you mean 'isi_cv'"],
    ),
    "claim of no population": (
        lambda _: [FILE, *SMALL, "--set", 'claims=[{claim="isi_cv", stage="learn"}]'],
        ["claims[0]: 'isi_cv' is about spikes; add population = ..."],
    ),
    "claim of no kernel": (
        lambda _: [FILE, *SMALL, "--set", 'claims=[{claim="noise_control", stage="learn"}]'],
        ["claims[0]: 'noise_control' is about a kernel; add projection = ..."],
    ),
    "claim of several populations": (
        lambda _: [
            FILE,
            *SMALL,
            "--set",
            'claims=[{claim="isi_cv", stage="learn", population=["lgn", "v1"]}]',
        ],
        ["claims[0].population: 'isi_cv' is about one population, not 2"],
    ),
    "not a setting": (lambda _: [FILE, "--set", "maps"], ["--set: 'maps' is not a setting"]),
    "negative seed": (lambda _: [FILE, "--seed", "-1"], ["seed: -1 is not a whole number"]),
    "code that outlasts the trial": (
        lambda _: [FILE, *SMALL, "--set", "stages.learn.encoding.code.window=30"],
        ["stages.learn.encoding.code.window: onset 1 ms and window 30 ms outlast the trial"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_with_exit_code_2(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Callable[..., tuple]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    words, parts = BAD[name]
    code, out, err = invoke("run", *words(tmp_path))
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err
    # Nothing is left behind, hidden drafts included.
    assert [p for p in work.rglob("*") if p.name != "runs"] == []
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["run"],
        ["run", FILE, "--seed", "x"],
        ["run", FILE, "--bogus"],
        ["check"],
        ["score"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[object], invoke: Callable[..., tuple]) -> None:
    code, out, err = invoke(*words)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_what_a_backend_cannot_run_is_exit_code_3(
    tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    document = tomllib.loads(inline_with_nan(tmp_path).read_text())
    document["network"]["projections"][0]["connector"]["kernel"] = {
        "uniform": [0, 1],
        "shape": [1, 2, 2, 2],
    }
    document["network"]["populations"][1]["neuron"] = {
        "name": "Staircase",
        "equations": "dv/dt = floor(v/th)*th/tau : volt",
        "threshold": "v > th",
        "reset": "v = -th",
        "receptors": {"excitatory": "v"},
        "parameters": {
            "tau": {"default": 5, "unit": "ms"},
            "th": {"default": 10, "unit": "mV"},
        },
    }
    path = tmp_path / "staircase.toml"
    path.write_text(tomli_w.dumps(document))
    code, out, _ = invoke("check", path, "--backend", "reference")
    assert code == 3
    assert "population 'v1'" in out
    code, out, err = invoke("run", path, "--backend", "reference", "--out", tmp_path / "out")
    assert (code, out) == (3, "")
    assert "not available on reference: population 'v1'" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["score", "figures"])
def test_a_folder_that_is_no_run_is_exit_code_2(
    command: str, tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    code, out, err = invoke(command, tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is this the folder of a run?" in err


@pytest.mark.slow
def test_a_run_from_a_hostile_folder(tmp_path: Path) -> None:
    """The whole command in a process of its own, where Brian2 would run a file it finds."""
    (tmp_path / "brian_preferences").write_text("open('ran.marker', 'w').close()\n")
    words = ["run", str(FILE), *SMALL[:2], "--backend", "brian2", *SMALL[4:], "--out", "out"]
    code = "import sys; from scnnbio.cli import main; sys.argv[0] = 'scnnbio'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "report: out/report.html" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["brian_preferences", "out"]
    files = {p.name for p in (tmp_path / "out").iterdir()}
    assert files >= {"run.json", "recording.h5", "weights.npz", "scores.json", "report.html"}
    assert len(list((tmp_path / "out" / "figures").glob("*.png"))) >= 5


@pytest.mark.slow
def test_the_entry_point_exits_with_the_code() -> None:
    code = "from scnnbio.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(FILE), "--set", "netwrk.x=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --set: unknown key 'netwrk'; did you mean 'network'?\n"
