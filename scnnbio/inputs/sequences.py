"""DNA in one dimension: sequences of a FASTA file, and sequences with planted motifs."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import Code
from scnnbio.errors import BackendMissing, DataError, SpecError, install
from scnnbio.files import no_device
from scnnbio.inputs.base import Draw, Input, Trial, check_trial
from scnnbio.inputs.foreign import checked_spikes
from scnnbio.stimuli.base import FileRead, Files, count, positive
from scnnbio.units import Milliseconds, Number, plain, plain_values

#: Channels of a source, in order.
BASES = "ACGT"
#: Human genome, 40.9 % G and C: Piovesan et al. 2019, BMC Res Notes 12:106.
HUMAN = (0.2955, 0.2045, 0.2045, 0.2955)


class Sequences(Input):
    """Sequences of equal length, one per trial, each base a spike train of its channel.

    The source has the channels A, C, G and T, one row, and a column per base. At each place the
    channel of its base has the drive 1, and the others 0; an unknown base (N) has no drive.
    """

    code: Code
    duration: float
    repeats: int

    @property
    def bases(self) -> NDArray[np.int8]:
        """Bases (sequences, length): 0 to 3 for A, C, G and T, -1 for unknown ones."""
        raise NotImplementedError

    @property
    def n_trials(self) -> int:
        """One trial per sequence and pass."""
        return len(self.bases) * self.repeats

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Four channels, one row."""
        return len(BASES), 1, self.bases.shape[1]

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        check_trial(trial, self.n_trials, type(self).__name__)
        drive = (self.bases[trial % len(self.bases)] == np.arange(len(BASES))[:, None]).astype(
            float
        )[None]
        found = self.code.spikes(drive, self.duration, draw.dt, draw.rng)
        return checked_spikes(found, self.code, self.duration, draw)

    def _check(self) -> None:
        where = type(self).__name__
        if not isinstance(self.code, Code):
            raise SpecError(f"{self.code!r} is not a code", where=f"{where}.code")
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))
        object.__setattr__(self, "repeats", count(self.repeats, f"{where}.repeats"))


@final
@dataclass(frozen=True, eq=False)
class FromSequences(Sequences):
    """The sequences of a FASTA file or of a list.

    Parameters
    ----------
    sequences : str or tuple of str
        Path of a FASTA file (needs ``pip install '.[dna]'``), or the sequences themselves.
        All have one length. Letters A, C, G, T (or U) in either case; every other letter of
        nucleotides is an unknown base.
    code : Code
    duration : float
        Of each trial (ms).
    repeats : int
        How often all sequences are shown, in one order.

    Raises
    ------
    SpecError
        If there is no sequence, lengths differ, or a letter is no nucleotide.
    DataError
        If the file cannot be read.
    BackendMissing
        If biopython is not installed.
    """

    sequences: str | tuple[str, ...]
    code: Code
    duration: Milliseconds = 20.0
    repeats: int = 1
    files: Files = field(default=Files(), init=False, repr=False)
    _bases: NDArray[np.int8] = field(init=False, repr=False)

    paths: ClassVar[tuple[str, ...]] = ("sequences",)

    def __post_init__(self) -> None:
        self._check()
        given = self.sequences
        if isinstance(given, str):
            given, file = read_fasta(given)
            object.__setattr__(self, "files", Files((file,)))
        rows = tuple(given)
        object.__setattr__(self, "sequences", rows)
        object.__setattr__(self, "_bases", _numbers(rows, "FromSequences.sequences"))

    @property
    def bases(self) -> NDArray[np.int8]:
        """Bases (sequences, length)."""
        return self._bases

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the sequences, independent of files; as arguments of the initialiser."""
        names = ("sequences", "code", "duration", "repeats")
        return {name: getattr(self, name) for name in names}

    def table(self) -> dict[str, NDArray[Any]]:
        """Nothing differs but the sequence."""
        return {}


@final
@dataclass(frozen=True, eq=False)
class PlantedMotifs(Sequences):
    """Random sequences, each with one of several motifs at a random place.

    Motifs and bases are drawn by the seed of this input. The background has independent bases of
    the given composition. A planted site has at each place the base of its motif with the
    probability ``conservation``, and each other base equally often: a position-weight matrix.

    Parameters
    ----------
    code : Code
    n, length : int
        Sequences, and their bases.
    motifs, width : int
        Motifs, each planted in an equal share of the sequences, and their bases.
    conservation : float
        From 0.25 to 1; at 1 all sites of a motif are equal.
    composition : tuple of float
        Shares of A, C, G and T in the background; of the human genome if not given.
    shuffled : bool
        Whether the bases of each sequence are put into random order, which leaves its composition
        and no motif: a control.
    seed : int
    duration : float
        Of each trial (ms).
    repeats : int
        How often all sequences are shown, in one order.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The trial table has the columns ``motif`` and ``position``, the place of the site's first base.
    """

    code: Code
    n: int = 2000
    length: int = 200
    motifs: int = 10
    width: int = 8
    conservation: Number = 1.0
    composition: tuple[Number, ...] = HUMAN
    shuffled: bool = False
    seed: int = 0
    duration: Milliseconds = 20.0
    repeats: int = 1
    _bases: NDArray[np.int8] = field(init=False, repr=False)
    _motifs: NDArray[np.int8] = field(init=False, repr=False)
    _which: NDArray[np.int64] = field(init=False, repr=False)
    _start: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check()
        where = "PlantedMotifs"
        for name in ("n", "length", "motifs", "width"):
            object.__setattr__(self, name, count(getattr(self, name), f"{where}.{name}"))
        if self.width > self.length:
            raise SpecError(
                f"a motif of {self.width} bases does not fit sequences of {self.length}",
                where=f"{where}.width",
            )
        kept = plain(self.conservation, "1", where=f"{where}.conservation")
        if not 0.25 <= kept <= 1.0:
            raise SpecError(f"{kept:g} is not from 0.25 to 1", where=f"{where}.conservation")
        object.__setattr__(self, "conservation", kept)
        shares = np.atleast_1d(plain_values(self.composition, "1", where=f"{where}.composition"))
        if shares.shape != (4,) or shares.min() < 0 or abs(shares.sum() - 1.0) > 1e-6:
            raise SpecError(
                "is not four shares that sum to 1, of A, C, G and T", where=f"{where}.composition"
            )
        object.__setattr__(self, "composition", tuple(shares.tolist()))
        for name, array in zip(
            ("_bases", "_motifs", "_which", "_start"), self._draw(), strict=True
        ):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def _draw(self) -> tuple[NDArray[Any], ...]:
        rng = np.random.default_rng(self.seed)
        motifs = rng.integers(0, 4, (self.motifs, self.width))
        shares = np.asarray(self.composition) / np.sum(self.composition)
        bases = rng.choice(4, (self.n, self.length), p=shares)
        which = rng.permutation(np.arange(self.n) % self.motifs)
        start = rng.integers(0, self.length - self.width + 1, self.n)
        site = motifs[which]
        changed = rng.random(site.shape) >= self.conservation
        site = np.where(changed, (site + rng.integers(1, 4, site.shape)) % 4, site)
        bases[np.arange(self.n)[:, None], start[:, None] + np.arange(self.width)] = site
        if self.shuffled:
            bases = rng.permuted(bases, axis=1)
        return bases.astype(np.int8), motifs.astype(np.int8), which, start

    @property
    def bases(self) -> NDArray[np.int8]:
        """Bases (sequences, length)."""
        return self._bases

    @property
    def consensus(self) -> tuple[str, ...]:
        """The motifs."""
        return tuple("".join(BASES[base] for base in row) for row in self._motifs)

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: everything that the sequences are drawn by."""
        names = ("code", "n", "length", "motifs", "width", "conservation", "composition")
        return {
            name: getattr(self, name)
            for name in (*names, "shuffled", "seed", "duration", "repeats")
        }

    def table(self) -> dict[str, NDArray[Any]]:
        """Motif and place of each planted site."""
        columns = {"motif": self._which, "position": self._start}
        return {name: np.tile(values, self.repeats) for name, values in columns.items()}


def read_fasta(path: str | Path) -> tuple[tuple[str, ...], FileRead]:
    """Sequences of a FASTA file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    sequences : tuple of str
    file : FileRead

    Raises
    ------
    DataError
        If it cannot be read, or has no sequence.
    BackendMissing
        If biopython is not installed.
    """
    try:
        from Bio import SeqIO
    except ImportError:
        raise BackendMissing(
            f"FASTA is read by biopython: {install('dna')}", where="FASTA"
        ) from None
    place = Path(path).expanduser().absolute()
    try:
        content = no_device(place).read_bytes()
        parse: Any = SeqIO.parse  # without types
        records = parse(io.StringIO(content.decode("ascii")), "fasta")
        rows = tuple(str(record.seq) for record in records)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read as FASTA ({error})", where=str(place)) from None
    if not rows:
        raise DataError("has no sequence; one begins with a line '>name'", where=str(place))
    return rows, FileRead(str(place), hashlib.sha256(content).hexdigest())


def _numbers(rows: tuple[str, ...], where: str) -> NDArray[np.int8]:
    """Bases of sequences of one length."""
    if not rows or not all(isinstance(row, str) and row for row in rows):
        raise SpecError("give one sequence or more, each of at least one base", where=where)
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise SpecError(
            f"sequences have from {lengths[0]} to {lengths[-1]} bases; cut them to one length",
            where=where,
        )
    letters = np.array([list(row.upper().replace("U", "T")) for row in rows])
    wrong = sorted(set(np.unique(letters).tolist()) - set("ACGTRYSWKMBDHVN-."))
    if wrong:
        raise SpecError(f"{wrong[0]!r} does not stand for a nucleotide", where=where)
    found = np.full(letters.shape, -1, dtype=np.int8)
    for number, base in enumerate(BASES):
        found[letters == base] = number
    found.setflags(write=False)
    return found
