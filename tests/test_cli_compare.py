"""``scnnbio compare`` from the command line: what it prints, writes and exits with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scnnbio import backends, cli
from tests.experiment.small import study


@pytest.fixture
def exp(tmp_path: Path) -> Path:
    study().save(tmp_path / "own.toml")
    return tmp_path / "own.toml"


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The entry point, in a folder of its own, with backends that are wrong on purpose."""
    for name in ("forgetful", "shy", "picky"):
        place = f"tests.workflow.faulty:{name.capitalize()}"
        monkeypatch.setitem(backends.BACKENDS.own, name, place)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scnnbio", "compare", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        captured = capsys.readouterr()
        return int(caught.value.code or 0), captured.out, captured.err

    return call


@pytest.mark.slow
def test_a_promise_that_is_kept_and_one_that_is_not(
    exp: Path, tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    names = ("--backends", "reference,brian2", "--stage", "test", "--strict")
    code, out, _ = invoke(exp, *names, "--out", "good")
    assert code == 0, out
    assert "agrees" in out
    assert "disagrees" not in out
    assert "report: good/report.html" in out
    assert {p.name for p in (tmp_path / "good").iterdir()} == {
        *("compare.json", "experiment.toml", "figures", "recordings", "report.html"),
    }
    table = json.loads((tmp_path / "good" / "compare.json").read_text())
    assert [p["verdict"] for p in table["pairs"][0]["promises"]] == ["agrees", "agrees"]

    bad = ("--backends", "reference,forgetful", "--stage", "test", "--out", "bad")
    assert invoke(exp, *bad)[0] == 0
    code, out, _ = invoke(exp, *bad, "--strict", "--force")
    assert code == 4
    assert "disagrees" in out


@pytest.mark.slow
def test_what_a_backend_cannot_run_is_listed_with_exit_code_3(
    exp: Path, tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    words = (exp, "--backends", "reference,picky,brian2", "--out", "out")
    code, out, err = invoke(*words)
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        "error: picky: network: learns; learn on reference",
        "error: picky: dt: is 0.25 ms; use 0.5 ms",
    ]
    assert not (tmp_path / "out").exists()
    code, out, err = invoke(*words, "--skip-unsupported")
    assert code == 0
    assert "left out: picky: network: learns; learn on reference" in err
    assert "reference, brian2" in out
    table = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [r["backend"] for r in table["refused"]] == ["picky"]
    assert table["command"][:3] == ["scnnbio", "compare", str(exp)]
    (document,) = table["files"]
    assert (document["path"], document["role"]) == (str(exp), "document")
    assert datetime.fromisoformat(table["date"]).utcoffset() == timedelta(0)
    assert "Not run" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--backends", "reference"], "name two backends"),
        (["--backends", "reference,brain2"], "there is no backend 'brain2'"),
        (["--backends", "reference,brian2", "--dt", "0.3"], "--dt 0.3"),
        (["--backends", "reference,brian2", "--dt", "1 mV"], "--dt: '1 mV' is a voltage"),
        (["--backends", "reference,brian2", "--stage", "tset"], "did you mean 'test'"),
        (["--backends", "reference,brian2", "--out", "own.toml"], "own.toml: exists already"),
    ],
)
def test_bad_input_is_one_line_with_exit_code_2(
    words: list[str], part: str, exp: Path, tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    code, out, err = invoke(exp, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert part in err
    assert [p.name for p in tmp_path.iterdir()] == ["own.toml"] or words[-2] != "--out"


@pytest.mark.slow
@pytest.mark.nest
def test_the_trained_layer_fires_the_same_spikes_on_brian2_and_nest(
    tmp_path: Path, invoke: Callable[..., tuple]
) -> None:
    pytest.importorskip("nest")
    names = ("--backends", "brian2,nest", "--strict", "--out", "out")
    code, _, err = invoke("v1_grating", *names)
    assert code == 0, err
    table = json.loads((tmp_path / "out" / "compare.json").read_text())
    found = table["pairs"][0]["populations"]["v1"]
    assert found["identical"] == 1.0
    assert found["spikes"][0] == found["spikes"][1] > 3000


@pytest.mark.slow
def test_strict_fails_where_no_promise_was_judged(exp: Path, invoke: Callable[..., tuple]) -> None:
    # One backend on two grids: a sweep, and nothing that it promises.
    words = (exp, "--backends", "reference", "--dt", "0.25,0.5", "--stage", "test", "--out", "out")
    assert invoke(*words)[0] == 0
    code, _, err = invoke(*words, "--strict", "--force")
    assert code == 4
    assert "nothing was judged" in err
