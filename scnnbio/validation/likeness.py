"""Only like is compared with like: a recording's species, state and area against a claim's."""

from __future__ import annotations

import re

import numpy as np

from scnnbio.recording import Recording
from scnnbio.validation.protocol import Missing

#: Columns of the trial table by which a recording says what was recorded.
SPECIES, STATE, AREA = "species", "state", "area"
#: Animals of published numbers.
_ANIMALS = ("macaque", "cat", "ferret", "mouse")


def check_alike(recording: Recording, species: str, state: str) -> None:
    """Raise Missing if trials are of another species, state or area than was published.

    A recording says so in text columns of its trial table: ``species``, such as ``"macaque"``,
    ``state``, ``"awake"`` or ``"anaesthetised"``, and ``area``, such as ``"V1"``. A model has
    none of them and is compared with all; so is a recording with a published number whose state is
    not stated.

    Parameters
    ----------
    recording : Recording
        The trials that are judged.
    species, state : str
        Those of the observation, such as ``"macaque V1"``, ``"macaque and cat V1"`` and ``"awake,
        fixating"``.
    """
    animals = [word for word in re.findall(r"\w+", species) if word in _ANIMALS]
    in_v1 = species == f"{' and '.join(animals)} V1"
    published = {
        SPECIES: animals,
        STATE: [state.partition(",")[0]] if state.startswith(("awake", "anaesthetised")) else [],
        AREA: ["V1"] if in_v1 else [],
    }
    for name, wanted in published.items():
        column = recording.trials.get(name)
        if column is None or not wanted or column.dtype.kind in "fiub":
            continue
        others = [text for text in np.unique(column).tolist() if text and text not in wanted]
        if others:
            raise Missing(
                f"the {name} is {' and '.join(others)} in the recording and"
                f" {' and '.join(wanted)} in the published one: only like is compared with like"
            )
