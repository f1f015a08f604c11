"""What scores say together: counts, chance, and what a model is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from scnnbio.validation.closed_forms import NEURON
from scnnbio.validation.estimates import Estimate
from scnnbio.validation.scores import Score, Verdict

#: All verdicts, in the order of tables.
VERDICTS: tuple[str, ...] = get_args(Verdict)
#: Share of claims that a model with all published properties fails, where a rule is a test at 5 %.
_LEVEL = 0.05


class Shortfall(NamedTuple):
    """A claim that a model does not meet, as a sentence."""

    claim: str
    sentence: str
    source: str


class Counted(NamedTuple):
    """Numbers of claims of one kind, by verdict."""

    kind: str
    total: int
    verdicts: dict[str, int]


def counted(scores: Iterable[Score]) -> list[Counted]:
    """Count the claims by verdict, apart those by which parameters were chosen.

    Parameters
    ----------
    scores : iterable of Score

    Returns
    -------
    list of Counted
        Of the claims that were held out, then of those of choice; a kind without claims is left
        out.
    """
    kinds = {"test": "held out", "choice": "used to choose parameters"}
    given = list(scores)
    found = []
    for used_for, kind in kinds.items():
        number: Counter[str] = Counter(
            score.verdict for score in given if score.used_for == used_for
        )
        if number:
            by_verdict = {verdict: number[verdict] for verdict in VERDICTS}
            found.append(Counted(kind, number.total(), by_verdict))
    return found


def chance_note(scores: Sequence[Score]) -> str:
    """How many disagreements chance alone would give: claims are not corrected for their number.

    Parameters
    ----------
    scores : sequence of Score

    Returns
    -------
    str
        Empty if no held-out claim was judged.
    """
    tested = [
        score
        for score in scores
        if score.used_for == "test" and score.verdict in ("agrees", "disagrees")
    ]
    if not tested:
        return ""
    claims = "1 held-out claim was" if len(tested) == 1 else f"{len(tested)} held-out claims were"
    return (
        f"{claims} judged one by one, most at 5 %, and not corrected for their number: of a model"
        f" that had all published properties about {_LEVEL * len(tested):.2g} would disagree by"
        " chance. Claims on the same spikes are not independent"
    )


def shortfalls(scores: Iterable[Score]) -> list[Shortfall]:
    """What a model is not: each claim that disagrees, as a plain sentence.

    Parameters
    ----------
    scores : iterable of Score

    Returns
    -------
    list of Shortfall
    """
    return [
        Shortfall(score.claim, _sentence(score), score.source)
        for score in scores
        if score.verdict == "disagrees"
    ]


#: What is expected where an observation is not of an animal.
_EXPECTED = {
    "": "what was published",
    NEURON: "what follows from its equations",
    "the same network": "another solution of the same network",
    "digits": "what was published",
}


def _sentence(score: Score) -> str:
    seen = score.observation
    quantity, species = str(seen.get("quantity", score.claim)), str(seen.get("species", ""))
    unit = "" if seen.get("unit", "1") == "1" else f" ({seen['unit']})"
    about = f" ({score.about})" if score.about else ""
    ours, theirs = (str(Estimate.of(side)) for side in (score.estimate, score.published))
    numbers = [f"{ours} here" if ours else "", f"{theirs} published" if theirs else ""]
    compared = ", ".join(filter(None, numbers)) or score.reason
    like = _EXPECTED.get(species, species)
    return f"The model is unlike {like} in this: {quantity}{unit}{about}. {_begun(compared)}."


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
