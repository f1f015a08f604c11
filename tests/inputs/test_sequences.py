"""Sequences of DNA: letters to channels, FASTA files, and planted motifs counted."""

import numpy as np
import pytest

from scnnbio.encoding import LatencyCode, RegularCode
from scnnbio.errors import DataError, SpecError
from scnnbio.inputs import Draw, FromSequences, PlantedMotifs

CODE = LatencyCode(10**6, 1.0, 0.0, "absolute")


def draw(length):
    rng = np.random.default_rng(0)
    return Draw((4, 1, length), 1.0, rng, rng)


def test_each_base_fires_its_channel_and_an_unknown_one_none():
    given = FromSequences(("ACGTN", "uuaac"), CODE, 4.0, repeats=2)
    assert (given.n_trials, given.shape) == (4, (4, 1, 5))
    step, unit = given.spikes(0, draw(5))
    assert step.tolist() == [1] * 4
    assert unit.tolist() == [0 * 5 + 0, 1 * 5 + 1, 2 * 5 + 2, 3 * 5 + 3]
    for trial in (1, 3):
        _, unit = given.spikes(trial, draw(5))
        assert sorted((unit % 5 * 4 + unit // 5).tolist()) == [3, 7, 8, 12, 17]


def test_a_base_fires_by_any_code():
    given = FromSequences(("AC",), RegularCode(500.0, 500.0, begins="middle"), 10.0)
    step, unit = given.spikes(0, draw(2))
    assert step.tolist() == [1, 1, 3, 3, 5, 5, 7, 7, 9, 9]
    assert set(unit.tolist()) == {0, 3}


def test_fasta(tmp_path):
    pytest.importorskip("Bio")
    file = tmp_path / "a.fa"
    file.write_text(">one with words\nACG\nTAC\n\n>two\nggttnn\n")
    read = FromSequences(str(file), CODE)
    assert read.sequences == ("ACGTAC", "ggttnn")
    assert read == FromSequences(("ACGTAC", "ggttnn"), CODE)
    assert read.files.read[0].path == str(file)
    for content in (b"", b"no header", b"\xff\xfe>a\nAC"):
        file.write_bytes(content)
        with pytest.raises((DataError, SpecError)):
            FromSequences(str(file), CODE)
    with pytest.raises(DataError, match="cannot be read"):
        FromSequences(str(tmp_path / "none.fa"), CODE)


def test_planted_motifs_stand_where_the_table_says():
    given = PlantedMotifs(CODE, n=300, length=60, motifs=3, width=7, seed=4)
    table, motifs = given.table(), given.consensus
    for row, motif, start in zip(given.bases, table["motif"], table["position"], strict=True):
        assert "".join("ACGT"[b] for b in row[start : start + 7]) == motifs[motif]
    assert np.bincount(table["motif"]).tolist() == [100, 100, 100]
    assert len(set(motifs)) == 3


def test_conservation_and_composition_are_those_asked_for():
    given = PlantedMotifs(CODE, n=4000, length=50, motifs=1, width=10, conservation=0.7, seed=1)
    start = given.table()["position"]
    site = given.bases[np.arange(4000)[:, None], start[:, None] + np.arange(10)]
    consensus = np.array(["ACGT".index(base) for base in given.consensus[0]])
    kept = (site == consensus).mean(axis=0)
    # Binomial deviations of 4000 sites.
    assert np.abs(kept - 0.7).max() < 4.5 * np.sqrt(0.7 * 0.3 / 4000)
    outside = np.ones(given.bases.shape, dtype=bool)
    outside[np.arange(4000)[:, None], start[:, None] + np.arange(10)] = False
    share = np.bincount(given.bases[outside], minlength=4) / outside.sum()
    assert share == pytest.approx(given.composition, abs=0.006)


def test_shuffling_leaves_the_composition_of_every_sequence():
    plain = PlantedMotifs(CODE, n=50, seed=2)
    mixed = PlantedMotifs(CODE, n=50, seed=2, shuffled=True)
    np.testing.assert_array_equal(np.sort(plain.bases, axis=1), np.sort(mixed.bases, axis=1))
    assert (plain.bases != mixed.bases).any()


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: FromSequences((), CODE), "give one sequence or more"),
        (lambda: FromSequences(("AC", "A"), CODE), "from 1 to 2 bases"),
        (lambda: FromSequences(("AX",), CODE), "'X' does not stand for a nucleotide"),
        (lambda: FromSequences(("A",), "latency"), "not a code"),
        (lambda: PlantedMotifs(CODE, length=5), "does not fit"),
        (lambda: PlantedMotifs(CODE, conservation=0.2), "0.25 to 1"),
        (lambda: PlantedMotifs(CODE, composition=(0.5, 0.5, 0.5, 0.5)), "sum to 1"),
        (lambda: PlantedMotifs(CODE, n=0), "n"),
    ],
)
def test_what_is_refused(make, wrong):
    with pytest.raises(SpecError, match=wrong):
        make()
