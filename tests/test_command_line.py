"""The command line as a user meets it: its streams, its signals, and a terminal."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

from docs.command_line_page import PAGE, page
from scnnbio.cli.terminal import in_ascii
from scnnbio.workflow import load_results
from tests.command_lines import CODE, PATH, ROOT, command, environment, on_terminal
from tests.experiment.small import study


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python docs/command_line_page.py"
    assert "how_to/command_line" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_backends_are_printed_with_brackets_and_whole(tmp_path: Path) -> None:
    """Rich takes [nest] for a style, and cuts cells at 80 columns in a pipe."""
    (tmp_path / "nest.py").write_text("raise ModuleNotFoundError(name='nest')")
    path = os.pathsep.join([str(tmp_path), PATH])
    done = command("backends", cwd=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = {line.split()[0]: line for line in done.stdout.decode().splitlines()}
    assert rows["nest"].endswith(
        "NEST is not installed: pip install '.[nest]' in the folder of scnnbio's source"
    )
    assert "Brian2 at runtime, with numpy: needs no compiler" in rows["brian2"]
    assert len(rows) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bogus"], "no such command 'bogus'; see 'scnnbio --help'"),
        (["run"], "missing argument 'EXP'; see 'scnnbio run --help'"),
        (
            ["run", "x", "--bakend", "y"],
            "there is no option '--bakend'; did you mean '--backend'?; see 'scnnbio run --help'",
        ),
        (["run", "V1_GRATING"],
         "there is no file or experiment 'V1_GRATING'; did you mean 'v1_grating'?"),
        (["explain", "lif"], "MODEL: there is no neuron of the library 'lif'; did you mean 'LIF'?"),
        (
            ["check", "v1_grating", "--set", "orientaton=3"],
            "--set: unknown key 'orientaton'; did you mean 'orientation'?",
        ),
        (
            ["check", "v1_grating", "--set", "network.parameters.tau=3"],
            "network.parameters: unknown key 'tau'; did you mean 'tau_m'?",
        ),
        (["check", "v1_grating", "-b", "NEST"], "there is no backend 'NEST'; did you mean 'nest'?"),
        (
            ["check", "v1_grating", "--set", "backend.thread=2"],
            "backend: there is no option 'thread'; did you mean 'threads'?",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_on_standard_error(
    words: list[str], said: str, tmp_path: Path, invoke: Callable[..., tuple[int, str, str]]
) -> None:
    assert invoke(*words) == (2, "", f"error: {said}\n")


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The entry point in this process, which saves the seconds that imports take."""
    from scnnbio import cli

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scnnbio", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    return call


@pytest.mark.parametrize("words", [["-h"], ["--help"], []])
def test_help_is_plain(words: list[str], invoke: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = invoke(*words)
    assert (code, err) == (0, "")
    assert out.isascii()
    assert all(
        name in out for name in ("Usage: scnnbio", "explain", "compare", "--install-completion")
    )
    assert invoke("run", "-h")[1].startswith("Usage: scnnbio run [OPTIONS]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("scnnbio re", {"resume"}),
        ("scnnbio run v1_", {"v1_features", "v1_grating", "v1_physiology"}),
        ("scnnbio run v1_grating --backend brian2", {"brian2", "brian2-standalone"}),
        ("scnnbio explain GLIF", {f"GLIF{level}" for level in range(1, 6)}),
    ],
)  # fmt: skip
def test_a_shell_completes(words: str, offered: set[str], tmp_path: Path) -> None:
    told = {"_SCNNBIO_COMPLETE": "complete_bash", "COMP_WORDS": words}
    done = command(cwd=tmp_path, COMP_CWORD=str(words.count(" ")), **told)
    assert set(done.stdout.decode().split()) == offered
    assert done.stderr == b""


@pytest.mark.slow
def test_ascii_output_is_legible(tmp_path: Path) -> None:
    """Neither a crash nor question marks; an unwritable character appears as its number."""
    done = command("explain", "LIF_cond_exp", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("ascii")
    # sympy's own line of a fraction and sign of a product, in ASCII.
    assert re.search(r"^--\(v\) = -{10} \+ -{40,}", shown, re.MULTILINE)
    assert "g_exc*(e_rev_E - v)" in shown
    assert "\\u" not in shown
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for changes in (locale, {"PYTHONIOENCODING": "ascii"}):
        done = command("run", "τ – 5 µm…", cwd=tmp_path, **changes)
        assert done.returncode == 2
        assert b"error: there is no file or experiment" in done.stderr
        assert done.stderr.isascii()
        assert b"Traceback" not in done.stderr
    assert in_ascii("τ – 5 µm…, λ ≥ Ω½ é 大") == "tau - 5 um..., lambda >= Ohm1/2 e \\u5927"


@pytest.mark.slow
def test_who_stops_reading_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", CODE, "list"],
        cwd=tmp_path,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.fixture
def exp(tmp_path: Path) -> Path:
    """A study of its own in a folder of its own, with weights from a file beside it."""
    folder = tmp_path / "document"
    folder.mkdir()
    study().save(folder / "own.toml")
    return folder / "own.toml"


@pytest.fixture
def with_files(tmp_path: Path) -> Path:
    """A document that names a file of weights and a folder of pictures beside it."""
    folder = tmp_path / "described"
    (folder / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for name in ("one.png", "two.png"):
        pixels = rng.integers(0, 255, (60, 70), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / name)
    np.savez(folder / "kernels.npz", lgn_v1=rng.uniform(0.1, 1.0, (3, 2, 5, 5)))
    document = {
        "name": "pictures",
        "dt": "1 ms",
        "seed": 4,
        "network": {
            "weights": "kernels.npz",
            "populations": [
                {"name": "lgn", "shape": [2, 12, 12], "neuron": "SpikeSource"},
                {"name": "v1", "shape": [3, 8, 8], "neuron": "LIF"},
            ],
            "projections": [
                {
                    "pre": "lgn",
                    "post": "v1",
                    "weight": "0.4 nA",
                    "delay": "1 ms",
                    "connector": {
                        "kind": "convolution",
                        "kernel": {"uniform": [0, 1], "shape": [3, 2, 5, 5]},
                    },
                }
            ],
        },
        "stages": {
            "show": {
                "stimulus": {
                    "kind": "photographs",
                    "images": "pictures",
                    "n_trials": 6,
                    "duration": "40 ms",
                },
                "encoding": {"lgn": {}, "code": {"kind": "poisson"}},
                "record": {"spikes": ["v1"]},
            }
        },
    }
    (folder / "pictures.toml").write_text(tomli_w.dumps(document))
    return folder / "pictures.toml"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_results_say_where_they_come_from_and_run_again_anywhere(
    with_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    invoke: Callable[..., tuple[int, str, str]],
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere" / "below"
    here.mkdir()
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(here)
    before = datetime.now(UTC) - timedelta(seconds=1)
    words = ("run", "../described/pictures.toml", "--backend", "reference", "--out", "out")
    code, out, err = invoke(*words)
    assert code == 0, err
    assert "backend: reference\nreport: out/report.html\n" in out
    told = json.loads((here / "out" / "run.json").read_text())
    assert before <= datetime.fromisoformat(told["date"]) <= datetime.now(UTC)
    assert told["date"].endswith("+00:00")
    assert told["command"] == ["scnnbio", *words]
    assert told["backend_chosen_by"] == "user"
    folder = with_files.parent
    expected = {
        "document": [with_files],
        "weights": [folder / "kernels.npz"],
        "stimulus": [folder / "pictures" / name for name in ("one.png", "two.png")],
    }
    assert [(f["role"], Path(f["path"]).resolve(), f["sha256"]) for f in told["files"]] == [
        (role, path.resolve(), digest(path)) for role, paths in expected.items() for path in paths
    ]
    assert told["skipped"] == []
    # The folder of the document goes, but for the pictures; the results move.
    moved = Path(shutil.move(here / "out", elsewhere / "moved"))
    with_files.unlink()
    (folder / "kernels.npz").unlink()
    monkeypatch.chdir(elsewhere)
    again = ("run", "moved/experiment.toml", "--backend", "reference", "--out", "again")
    assert invoke(*again)[0] == 0
    one, other = load_results(moved), load_results(elsewhere / "again")
    assert one.recording.spikes["v1"].time.size > 50
    assert one.recording.equals(other.recording)
    assert digest(moved / "scores.json") == digest(elsewhere / "again" / "scores.json")
    assert one.origin["date"] == told["date"]


def test_paths_in_settings_begin_at_the_working_folder(
    with_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    invoke: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = ("--set", "stages.show.stimulus.images=described/pictures")
    assert invoke("check", with_files, "-b", "reference", *setting)[0] == 0
    wrong = ("--set", "stages.show.stimulus.images=pictures")
    code, _, err = invoke("check", with_files, "-b", "reference", *wrong)
    assert code == 2
    assert str(tmp_path / "pictures") in err
    monkeypatch.chdir("/")
    assert invoke("check", with_files, "-b", "reference")[0] == 0


@pytest.mark.slow
def test_a_terminal_has_bars_and_a_pipe_has_lines(exp: Path, tmp_path: Path) -> None:
    words = ("run", exp, "--backend", "reference", "--force", "--out", "out")
    piped = command(*words, cwd=tmp_path)
    assert piped.returncode == 0, piped.stderr
    lines = piped.stderr.decode().splitlines()
    assert "drawing input spikes (learn): done" in "\n".join(lines)
    assert not any("\x1b" in line or "━" in line or line.endswith(" ") for line in lines)
    assert "\x1b" not in piped.stdout.decode()
    code, shown = on_terminal(*words, cwd=tmp_path, columns=90)
    assert code == 0
    assert "━" in shown
    assert "\x1b[" in shown


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, pytest.param(200, marks=pytest.mark.validate)])
def test_names_of_claims_are_whole_on_narrow_terminals_too(
    columns: int, exp: Path, tmp_path: Path
) -> None:
    done = command("run", exp, "-b", "reference", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # All six of these are known; a run of this study says of each why it cannot be judged.
    names = ["ringach2002_circular_variance", "ringach2002_half_bandwidth", "isi_cv"]
    text = (tmp_path / "out" / "experiment.toml").read_text()
    document = tomllib.loads(text)
    document["claims"] = [{"claim": n, "stage": "test", "population": "v1"} for n in names]
    (tmp_path / "out" / "experiment.toml").write_text(tomli_w.dumps(document))
    code, shown = on_terminal("score", "out", cwd=tmp_path, columns=columns)
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()
    assert all(any(line.startswith(name) for line in lines) for name in names)
    # The reason of each verdict is there to its last word, on a terminal that it fits.
    text = " ".join(" ".join(lines).split())
    assert text.count("insufficient data") + text.count("not applicable") == len(names)
    reasons = [
        score["reason"] for score in json.loads((tmp_path / "out" / "scores.json").read_text())
    ]
    assert all(reason in text for reason in reasons)
    assert max(map(len, lines)) <= columns
    piped = command("score", "out", cwd=tmp_path).stdout.decode().splitlines()
    assert [line.split()[0] for line in piped] == ["claim", *names]
