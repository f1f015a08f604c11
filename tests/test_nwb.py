"""NWB files in the Allen layout whose true values are known, read and judged."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from scnnbio.analysis import Bootstrap, direction_measures, orientation_measures
from scnnbio.errors import DataError, SpecError
from scnnbio.recording import Recording
from scnnbio.recording.column_maps import ColumnMap
from scnnbio.recording.nwb import read_nwb
from tests.cli_calls import ask

pynwb = pytest.importorskip("pynwb")

DIRECTIONS = np.arange(0.0, 360.0, 45.0)
REPEATS, CELLS, LATE = 15, 30, 30
ALLEN = 'layout = "allen"\n'


def true_rates(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hz, of cells at each direction; the orientation index of the underlying curve."""
    kappa, best = rng.uniform(0.3, 2.5, CELLS + LATE), rng.uniform(0, 360, CELLS + LATE)
    turn = np.cos(2 * np.deg2rad(DIRECTIONS - best[:, None])) - 1
    rates = 2.0 + 30.0 * np.exp(kappa[:, None] * turn)
    mean = np.exp(-kappa) * scipy.special.iv([[0], [1]], kappa)
    # |sum r exp(2i x)| / sum r of the eight rates themselves.
    index = np.abs(rates @ np.exp(2j * np.deg2rad(DIRECTIONS))) / rates.sum(axis=1)
    assert mean.shape == (2, CELLS + LATE)
    return rates, index


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    """A file of 30 units in VISp and 30 in LGd, two of bad quality; 2 s gratings and blanks."""
    rng = np.random.default_rng(11)
    rates, index = true_rates(rng)
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(
        session_description="made", identifier="id 7", session_start_time=when,
        session_id="715093703",
    )  # fmt: skip
    device = file.create_device(name="probe")
    for number, area in enumerate(("VISp", "LGd")):
        group = file.create_electrode_group(
            name=area, description="made", location=area, device=device
        )
        file.add_electrode(id=800 + number, location=area, group=group, x=0.0, y=0.0, z=0.0)
    file.add_unit_column(name="peak_channel_id", description="id of an electrode")
    file.add_unit_column(name="quality", description="good or noise")
    table = pynwb.epoch.TimeIntervals(
        name="drifting_gratings_presentations", description="gratings"
    )
    names = ("orientation", "temporal_frequency", "spatial_frequency", "contrast")
    for name in names:
        table.add_column(name=name, description="as text, null in blanks")
    shown = np.tile(np.append(np.arange(8), -1), REPEATS)
    rng.shuffle(shown)
    trains: list[list[np.ndarray]] = [[] for _ in rates]
    begin = 100.0
    for k in shown.tolist():
        length = 2.0017 + rng.uniform(0, 1e-4)
        for unit, curve in enumerate(rates):
            rate = 2.0 if k < 0 else curve[k]
            number = rng.poisson(rate * length)
            trains[unit].append(begin + rng.uniform(0, length, number))
        given = [str(DIRECTIONS[k]), "2.0", "0.04", "0.8"] if k >= 0 else ["null"] * 4
        table.add_interval(
            start_time=begin, stop_time=begin + length,
            **dict(zip(names, given, strict=True)),
        )  # fmt: skip
        begin += length + 1.0
    file.add_time_intervals(table)
    for unit, train in enumerate(trains):
        file.add_unit(
            id=950 + unit, spike_times=np.sort(np.concatenate(train)), quality="good",
            peak_channel_id=800 + (unit >= CELLS),
        )  # fmt: skip
    for _ in range(2):
        file.add_unit(spike_times=np.array([101.0]), quality="noise", peak_channel_id=800)
    path = tmp_path_factory.mktemp("nwb") / "session.nwb"
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    (path.parent / "columns.toml").write_text(ALLEN)
    return path, rates, index


@pytest.mark.slow
def test_trials_areas_and_units_are_those_of_the_file(made) -> None:  # type: ignore[no-untyped-def]
    path, rates, _ = made
    found = read_nwb(path, ColumnMap.of({"layout": "allen"}))
    recording = found.recording
    assert found.session == "715093703"
    assert {name: len(ids) for name, ids in found.units.items()} == {"LGd": 30, "VISp": 30}
    assert found.units["VISp"].tolist() == list(range(950, 980))
    assert recording.n_trials == 9 * REPEATS
    # Trials differ by 0.1 ms: all count as long as the shortest.
    assert 2001.69 < recording.trials["duration"][0] < 2001.8
    assert set(recording.trials["species"]) == {"mouse"}
    blank = recording.trials["contrast"] == 0
    assert (blank == np.isnan(recording.trials["orientation"])).all()
    assert (blank.sum(), set(recording.trials["contrast"])) == (REPEATS, {0.0, 0.8})
    # Their direction 0 is our orientation 270, which moves towards 360.
    assert set(recording.trials["orientation"][~blank]) == set((DIRECTIONS - 90) % 360)
    # Spikes of each trial: the rate by direction is the made one, within 4 standard errors.
    counts = recording.counts("VISp")
    for k, direction in enumerate(DIRECTIONS):
        rows = recording.trials["orientation"] == (direction - 90) % 360
        seconds = 2.0017 * REPEATS
        expected = rates[:CELLS, k] * seconds
        assert (np.abs(counts[rows].sum(axis=0) - expected) < 4.5 * np.sqrt(expected)).all()


def test_true_values_lie_within_their_intervals(made) -> None:  # type: ignore[no-untyped-def]
    path, rates, index = made
    recording = read_nwb(path, ColumnMap.of({"layout": "allen"})).recording
    measures = orientation_measures(recording, "VISp", bootstrap=Bootstrap(draws=200))
    directions = direction_measures(recording, "VISp", bootstrap=Bootstrap(draws=200))
    truth = {
        "circular_variance": (measures, 1 - index[:CELLS]),
        "direction_circular_variance": (
            directions,
            1
            - np.abs(rates[:CELLS] @ np.exp(1j * np.deg2rad(DIRECTIONS)))
            / rates[:CELLS].sum(axis=1),
        ),
    }
    found = measures["circular_variance"]
    inside = (found.low <= truth["circular_variance"][1]) & (
        truth["circular_variance"][1] <= found.high
    )
    # Of 30 intervals of 95 %, 25 or fewer hold the truth once in 300 times.
    assert inside.sum() >= 26
    np.testing.assert_allclose(found.value, truth["circular_variance"][1], atol=0.12)
    # No cell prefers a direction: what is found is noise, of about 1 / sqrt(number of spikes).
    np.testing.assert_allclose(truth["direction_circular_variance"][1], 1.0, atol=1e-9)
    assert (np.asarray(directions["direction_circular_variance"].value) > 0.85).all()


def test_an_nwb_file_is_scored_by_area_and_by_session(made) -> None:  # type: ignore[no-untyped-def]
    path, _, index = made
    words = ("score", path, "--map", path.parent / "columns.toml")
    named = ("--claims", "siegle2021_orientation_index,fano_factor", "--json")
    told = ask(*words, *named)
    assert told.exit_code == 0, told.output
    scores = json.loads(told.stdout)
    assert [(s["claim"], s["population"]) for s in scores] == [
        (claim, [area])
        for area in ("LGd", "VISp")
        for claim in ("siegle2021_orientation_index", "fano_factor")
    ]
    assert "the area is LGd" in scores[0]["reason"]
    ours = scores[2]
    assert ours["n"] == CELLS
    assert ours["prediction"]["median"] == pytest.approx(np.median(index[:CELLS]), abs=0.04)
    # A macaque's Fano factor is not held against a mouse.
    assert (scores[3]["verdict"], "species is mouse" in scores[3]["reason"]) == (
        "not applicable", True,
    )  # fmt: skip
    whole = json.loads(ask(*words, *named, "--by", "session").stdout)
    assert (whole[0]["population"], whole[0]["verdict"]) == (["715093703"], "not applicable")
    assert "the area is LGd and V1 in the recording and V1 in the published" in whole[0]["reason"]
    grouped = ask(*words, "--claims", "v1,brainscore", "--population", "VISp", "--json")
    verdicts = {s["claim"]: s["verdict"] for s in json.loads(grouped.stdout)}
    assert len(verdicts) > 50
    assert verdicts["brainscore_texture_selectivity"] == "not applicable"


def test_two_recordings_are_compared_claim_by_claim(made, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path, _, _ = made
    recording = read_nwb(path, ColumnMap.of({"layout": "allen"})).recording
    recording.save(tmp_path / "same.h5")
    words = ("--map", path.parent / "columns.toml", "--claims", "siegle2021_orientation_index")
    told = ask("score", path, tmp_path / "same.h5", *words, "--population", "VISp", "--json")
    assert told.exit_code == 0, told.output
    (pair,) = json.loads(told.stdout)
    assert (pair["distance"], pair["p"]) == (0.0, 1.0)
    assert pair["one"] == pair["other"]
    # Orientations shuffled over trials leave no tuning.
    trials = dict(recording.trials)
    drawn = np.random.default_rng(0).permutation(len(trials["orientation"]))
    trials |= {name: trials[name][drawn] for name in ("orientation", "contrast")}
    Recording(recording.spikes, recording.shapes, trials).save(tmp_path / "shuffled.h5")
    told = ask("score", path, tmp_path / "shuffled.h5", *words, "--population", "VISp", "--json")
    (pair,) = json.loads(told.stdout)
    assert pair["distance"] > 0.8
    assert pair["p"] < 1e-6
    out = ("--out", tmp_path / "report", "--population", "VISp")
    table = ask("score", path, tmp_path / "shuffled.h5", *words, *out)
    assert "their values differ" in " ".join(table.output.split())
    # Both stand on the figure, with their names, beside the published cells.
    name = "claim_siegle2021_orientation_index"
    with (tmp_path / "report" / "figures" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    drawn = {row["series"] for row in rows if row["drawn_as"] == "bin"}
    assert drawn >= {"session (n = 30)", "shuffled (n = 30)", "Siegle et al. 2021 (n = 1177)"}
    scores = json.loads((tmp_path / "report" / "scores.json").read_text())
    assert [score["value"] for score in scores] == [pair["one"]["value"], pair["other"]["value"]]
    page = (tmp_path / "report" / "report.html").read_text()
    assert f'id="figure-{name}"' in page
    assert "Side by side" in page
    assert ask("score", path, tmp_path / "shuffled.h5", *words, *out).exit_code != 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"layout": "alen"}, "no layout 'alen'; did you mean 'allen'"),
        ({"layout": "allen", "trials": {"tabel": "x"}}, "no key 'tabel'; did you mean 'table'"),
        ({}, r"add a table \[trials.columns\]"),
        ({"trials": {"columns": {"orientation": 3}}}, "3 is not a table"),
        ({"trials": {"columns": {"orientatoin": "a"}}}, "did you mean 'orientation'"),
    ],
)
def test_a_map_says_what_is_wrong_in_it(given, why) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=why):
        ColumnMap.of(given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"trials": {"table": "trials"}}, "no table of intervals 'trials'"),
        ({"trials": {"columns": {"contrast": "contrats"}}}, "did you mean 'contrast'"),
        ({"trials": {"duration": "3 s"}}, "shorter than the 3000 ms"),
        ({"units": {"only": {"quality": "superb"}}}, "no unit has"),
        ({"units": {"area": "structure"}}, "no column 'structure'"),
        ({"units": {"by_electrode": "chanel"}}, "no column 'chanel'"),
    ],
)
def test_what_a_file_lacks_is_said(made, given, why) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=why):
        read_nwb(made[0], ColumnMap.of({"layout": "allen", **given}))


def test_units_that_were_not_observed_do_not_count_as_silent(tmp_path: Path) -> None:
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="made", identifier="id", session_start_time=when)
    file.add_trial_column(name="angle", description="deg")
    for k in range(4):
        file.add_trial(start_time=2.0 * k, stop_time=2.0 * k + 1, angle=45.0 * k)
    file.add_unit(spike_times=[0.5, 2.25, 6.0, 6.75], obs_intervals=[[0.0, 9.0]])
    file.add_unit(spike_times=[0.5], obs_intervals=[[0.0, 3.5]])
    file.add_invalid_time_interval(start_time=4.5, stop_time=4.6)
    with pynwb.NWBHDF5IO(tmp_path / "lab.nwb", "w") as io:
        io.write(file)
    columns = {
        "trials": {
            "columns": {"orientation": {"from": "angle", "times": 2.0}},
            "constants": {"diameter": np.inf},
        }
    }
    with pytest.raises(SpecError, match="row 1 was not observed in 1 of 3 trials"):
        read_nwb(tmp_path / "lab.nwb", ColumnMap.of(columns))
    columns["units"] = {"only": {"id": 0}}  # type: ignore[dict-item]
    found = read_nwb(tmp_path / "lab.nwb", ColumnMap.of(columns))
    # The third trial, from 4 to 5 s, touches a time that is invalid. The spike at 6.0 s is at the
    # very beginning of the fourth, and belongs to the time before.
    assert found.notes == ("left out 1 of 4 trials, in which the file calls times invalid",)
    assert found.recording.trials["orientation"].tolist() == [0.0, 90.0, 270.0]
    spikes = found.recording.spikes["units"]
    np.testing.assert_allclose(spikes.time, [500.0, 250.0, 750.0])
    assert spikes.trial.tolist() == [0, 1, 2]
    assert (found.areas, found.session) == ({}, "id")
    assert found.recording.trials["diameter"].tolist() == [np.inf] * 3


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_nwb(tmp_path / "absent.nwb", ColumnMap.of({"layout": "allen"}))
    (tmp_path / "text.nwb").write_text("spikes")
    with pytest.raises(DataError, match="not an NWB file"):
        read_nwb(tmp_path / "text.nwb", ColumnMap.of({"layout": "allen"}))
    told = ask("score", tmp_path / "text.nwb", "--claims", "v1")
    assert told.exit_code != 0
    assert "--map columns.toml" in str(told.exception)
