"""Claims by the name of a group, such as all that are made of V1."""

from __future__ import annotations

from collections.abc import Iterable

from scnnbio.validation import (
    battery,
    count_variability,
    evoked_rate,
    interval_variability,
    orientation_tuning,
)
from scnnbio.validation.claim import Claim
from scnnbio.validation.registry import CLAIMS, PUBLISHED

_V1 = (orientation_tuning, evoked_rate, interval_variability, count_variability, *PUBLISHED)

#: Names of the claims of each group: published numbers of one population of V1,
#: and those that Brain-Score counts.
GROUPS: dict[str, tuple[str, ...]] = {
    "v1": tuple(
        claim.name
        for module in _V1
        if module is not battery
        for claim in module.CLAIMS
        if claim.measure.about == "population"
    ),
    "brainscore": tuple(claim.name for claim in battery.CLAIMS),
}


def claims_named(names: Iterable[str], where: str = "claims") -> tuple[Claim, ...]:
    """Claims by their names and by those of groups, each once.

    Raises
    ------
    SpecError
        If there is no claim and no group of a name.
    """
    chosen = [claim for name in names for claim in GROUPS.get(name, (name,))]
    return tuple(CLAIMS.choose(name, where) for name in dict.fromkeys(chosen))
