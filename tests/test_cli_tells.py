"""What the command line prints: lists, help, neurons, and what a machine makes of a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli_calls import FILE, ask


def test_lists() -> None:
    listed = ask("list")
    assert listed.exit_code == 0
    assert "v1_features" in listed.output
    assert "tiny" in listed.output
    ready = ask("backends")
    assert ready.exit_code == 0
    assert all(name in ready.output for name in ("reference", "brian2", "brian2-standalone"))


def test_version_and_help() -> None:
    assert ask("--version").output == f"scnnbio {version('scnnbio')}\n"
    shown = ask("--help")
    assert shown.exit_code == 0
    commands = ("list", "backends", "check", "run", "score", "figures")
    assert all(name in shown.output for name in commands)


@pytest.mark.parametrize("name", ["v1_features", FILE])
def test_check_counts_stages_and_trials(name: object) -> None:
    checked = ask("check", name, "--backend", "reference", "--profile", "tiny")
    assert checked.exit_code == 0
    # Two stages of 60 photographs; 4 gratings and a blank.
    assert "v1_features can run on reference: 3 stages, 125 trials" in checked.output


def test_explain_prints_a_neuron_and_its_targets(tmp_path: Path) -> None:
    result = ask("explain", "LIF_cond_exp")
    assert result.exit_code == 0
    for word in ("equations", "closed form", "forward Euler", "targets", "event-driven", "no:"):
        assert word in result.output
    own = tmp_path / "own.toml"
    own.write_text(
        'name = "own"\nequations = "dv/dt = -v/tau : volt"\nthreshold = "v > top"\n'
        'reset = "v = 0*top"\nreceptors = { in = "v" }\n'
        'parameters = { tau = { default = "5 ms", unit = "ms" },'
        ' top = { default = 1, unit = "mV" } }\n'
    )
    result = ask("explain", own, "--latex")
    assert result.exit_code == 0
    assert r"\frac{d}{d t} v = - \frac{v}{\tau}" in result.output


@pytest.mark.parametrize(
    ("name", "message"),
    [("LIIF", "there is no neuron of the library 'LIIF'"), ("no.toml", "no.toml")],
)
def test_explain_refuses_what_it_does_not_know(
    name: str, message: str, invoke: Callable[..., tuple]
) -> None:
    code, _, err = invoke("explain", name)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_what_spinnaker_cannot_run_is_listed_with_exit_code_3(
    invoke: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = invoke("check", FILE, "--profile", "tiny", "--backend", "spinnaker")
    assert code == 3
    assert err == ""
    refused = out.splitlines()
    assert len(refused) == 3
    assert refused[0].startswith("population 'v1': SharedThreshold is not available on spinnaker")
    assert refused[1].startswith("projection 'lgn_v1': SharedSTDP and a learning rate that")
    assert refused[2].startswith("record.snapshots: a snapshot of what learns is not available")
    assert all("learn on brian2-standalone" in line for line in refused)


@pytest.mark.slow
def test_what_the_machine_makes_of_a_network_is_told_after_a_run(
    tmp_path: Path, invoke: Callable[..., tuple[int, str, str]]
) -> None:
    short = ("--set", "dt=1 ms", "--set", "stages.grating.stimulus.duration=20 ms")
    target = ("--backend", "spinnaker", "--set", "backend.target=emulated")
    grating = FILE.with_name("v1_grating.toml")
    code, out, err = invoke("run", grating, *target, *short, "--out", tmp_path / "run")
    assert code == 0, err
    rows = {line.split("  ")[0].strip(): line.split() for line in out.splitlines()}
    assert rows["cell"][1:] == ["SpikeSourceArray", "IF_curr_exp"]
    # 242 inputs of 1.5 mV, as 0.37 nA each, might arrive at once: 89 nA, so 2**7 / 2**15.
    assert rows["weight step +"][-1] == "0.003906"
    assert rows["ticks"][1:] == ["2", "2"]
    assert "connections are rounded to zero" in err
    told = json.loads((tmp_path / "run" / "run.json").read_text())["stages"]["grating"]
    assert told["options"] == {"target": "emulated", "gap": None, "headroom": 1.0}
    assert told["mapping"]["projections"][0]["connections"] == 64 * 242 * 9
