"""``scnnbio score`` and ``scnnbio figures`` on a run that was stored, and on a recording."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w

from scnnbio import workflow
from scnnbio.cli.judged import _name_of
from scnnbio.errors import DataError
from scnnbio.experiment import load
from scnnbio.validation import CLAIMS, Score
from scnnbio.validation.side_by_side import SideBySide
from scnnbio.workflow import load_results
from scnnbio.workflow.folder import write_runs, write_scores
from tests.cli_calls import FILE, SMALL, ask


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run of seconds, without figures."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    study = load(FILE, profile="tiny", settings=[w for w in SMALL if "=" in w])
    with workflow.new_folder(folder) as draft:
        results = workflow.judge(workflow.execute(study, "reference"))
        write_runs(results, draft, results.provenance)
        write_scores(results, draft)
    return folder


def test_score_judges_again(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "copy"))
    (folder / "scores.json").write_text("[]")
    scored = ask("score", folder, "--json")
    assert scored.exit_code == 0
    assert json.loads(scored.stdout) == json.loads((finished / "scores.json").read_text())
    assert json.loads(scored.stdout) == json.loads((folder / "scores.json").read_text())
    assert set(json.loads(scored.stdout)[0]) >= {
        *("claim", "value", "observation", "verdict", "n", "excluded", "source")
    }


def test_strict_is_exit_code_4_where_a_claim_is_not_met(finished: Path) -> None:
    # Two kernels are never enough for a verdict.
    assert ask("score", finished, "--strict").exit_code == 4


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ([], "experiment 'v1_features' has no claims"),
        (
            [
                {"claim": "evoked_rate", "stage": "gratings", "population": "v1"},
                {"claim": "noise_control", "stage": "control", "projection": "lgn_v1"},
            ],
            "none of its 2 claims could be judged",
        ),
    ],
)
def test_strict_fails_where_nothing_was_judged(
    finished: Path, tmp_path: Path, claims: list[object], why: str
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "copy"))
    document = tomllib.loads((folder / "experiment.toml").read_text(encoding="utf-8"))
    text = tomli_w.dumps(document | {"claims": claims})
    (folder / "experiment.toml").write_text(text, encoding="utf-8")
    assert ask("score", folder).exit_code == 0
    strict = ask("score", folder, "--strict")
    assert strict.exit_code == 4
    assert f"nothing was judged: {why}" in " ".join(strict.output.split())


def test_a_recording_is_judged_as_the_run_that_gave_it(finished: Path, tmp_path: Path) -> None:
    run = load_results(finished).runs["gratings"]
    run.recording.save(tmp_path / "gratings.h5")
    claims = "evoked_rate,isi_cv,fano_factor"
    told = ask(
        "score", tmp_path / "gratings.h5", "--claims", claims, "--population", "v1", "--json"
    )
    assert told.exit_code == 0, told.output
    scored = [(score["claim"], score["verdict"], score["n"]) for score in json.loads(told.stdout)]
    stored = json.loads((finished / "scores.json").read_text())
    assert scored == [
        (score["claim"], score["verdict"], score["n"])
        for score in stored
        if score["claim"] in claims.split(",")
    ]
    assert not list(tmp_path.glob("*.csv"))


def test_measures_are_written_and_written_again(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "copy"))
    (folder / "measures.csv").unlink()
    assert ask("score", folder).exit_code == 0
    assert (folder / "measures.csv").read_bytes() == (finished / "measures.csv").read_bytes()
    with (folder / "measures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    named = {row["measure"] for row in rows}
    assert {"mean_rate", "kernel_circular_variance", "evoked_rate"} <= named
    assert {row["stage"] for row in rows} == {"learn", "control", "gratings"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "name the claims to judge it by"),
        (("--claims", "isi_cv"), "name one with --population: there are"),
        (("--claims", "isi_vc"), "did you mean 'isi_cv'"),
    ],
)
def test_what_a_recording_needs_is_said(
    finished: Path, words: tuple[str, ...], why: str, invoke: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = invoke("score", finished / "recording.h5", *words)
    assert code == 2
    assert why in err


def test_a_run_is_judged_by_its_own_claims(
    finished: Path, invoke: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = invoke("score", finished, "--claims", "isi_cv")
    assert code == 2
    assert "judged by the claims of its document" in err


def test_one_figure_is_drawn(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "copy"))
    drawn = ask("figures", folder, "raster")
    assert drawn.exit_code == 0, drawn.output
    assert sorted(p.suffix for p in (folder / "figures").iterdir()) == [".csv", ".pdf", ".png"]


def test_energy_counts_the_stages_that_recorded_their_sources(
    finished: Path, invoke: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = invoke("energy", finished, "--json")
    assert code == 0, err
    found = json.loads(out)["gratings"]
    run = load_results(finished).runs["gratings"]
    fired = len(run.recording.spikes_of("lgn")) + len(run.recording.spikes_of("v1"))
    assert sum(layer["spikes"] for layer in found["operations"]["layers"]) == fired
    assert found["neurobench"]["effective_acs"] > 0
    assert "stage 'learn' is left out: the spikes of 'lgn' were not recorded" in err
    code, out, _ = invoke("energy", finished)
    assert code == 0
    assert "synaptic operations" in out
    assert "Davies et al. 2018" in out
    assert " to " in out.split("SpiNNaker")[1].splitlines()[0]


def test_a_script_draws_its_figure_from_the_saved_run_alone(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(Path(__file__).parents[1] / "analysis/figures/learning.py"))
    script["main"](str(finished), str(tmp_path))
    written = sorted(file.name for file in tmp_path.iterdir())
    assert written == ["learning.csv", "learning.pdf", "learning.png"]
    assert "Course of learning over" in capsys.readouterr().out
    claim = runpy.run_path(str(Path(__file__).parents[1] / "analysis/figures/claim.py"))
    # Of two kernels and few cells nothing can be judged, and a claim without a value has no figure.
    with pytest.raises(DataError, match="no claim"):
        claim["main"](str(finished), "fano_factor", str(tmp_path))


def test_two_runs_and_a_run_and_its_recording_are_compared(finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    told = ask("score", finished, copy, "--json")
    assert told.exit_code == 0, told.output
    pairs = json.loads(told.stdout)
    stored = json.loads((finished / "scores.json").read_text())
    assert [pair["one"] for pair in pairs] == [pair["other"] for pair in pairs] == stored
    load_results(finished).runs["gratings"].recording.save(tmp_path / "gratings.h5")
    words = ("score", finished, tmp_path / "gratings.h5", "--population", "v1", "--json")
    pairs = json.loads(ask(*words).stdout)
    assert {pair["one"]["claim"] for pair in pairs} >= {"isi_cv", "fano_factor", "evoked_rate"}
    for pair in pairs:
        # One stage of the run is the recording: verdicts and values are the same.
        ours, theirs = pair["one"], pair["other"]
        assert (ours["stage"], theirs["stage"]) == ("gratings", "")
        assert [ours[k] for k in ("value", "verdict", "n")] == [
            theirs[k] for k in ("value", "verdict", "n")
        ]
    # A claim that the document does not name is about the populations that its claims are about.
    named = json.loads(ask(*words, "--claims", "ringach2002_variance_and_bandwidth").stdout)
    assert [p["one"]["claim"] for p in named] == ["ringach2002_variance_and_bandwidth"]
    assert "one place is judged or two are compared" in str(
        ask("score", finished, copy, finished).exception
    )


def test_each_pair_of_populations_has_a_figure_of_its_own() -> None:
    """Of two files without a common population each is held against each: figures were lost."""
    seen = CLAIMS["evoked_rate"].observation

    def score(name: str) -> Score:
        return Score("evoked_rate", 1.0, {}, seen.describe(), "agrees", "", population=(name,))

    taken: list[str] = []
    for one in ("V1", "V2"):
        for other in ("A.1", "A-1", "A/1"):
            pair = SideBySide(score(one), score(other))
            taken.append(_name_of(f"claim_evoked_rate_{one}", pair, taken))
    assert len(set(taken)) == 6
    assert taken[:3] == ["claim_evoked_rate_V1", "claim_evoked_rate_V1_A-1",
                         "claim_evoked_rate_V1_A-1_"]  # fmt: skip
