"""No document ends in anything but a study or an error of one line."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Stage, Study, study_from
from scnnbio.experiment.study import study_table
from tests.backends.test_pathways import column
from tests.experiment.small import study
from tests.experiment.test_rules import OWN_RULE
from tests.experiment.test_study import DOCUMENT, digests, inline, tiny
from tests.inputs.test_documents import study as driven


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values in a document, tables and lists among them."""
    rows: Any = ()
    if isinstance(value, dict):
        rows = value.items()
    elif isinstance(value, list):
        rows = enumerate(value)
    below = [found for key, item in rows for found in leaves(item, (*path, key))]
    return [path, *below] if path else below


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    here = changed
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return changed


SCALARS = st.one_of(
    st.booleans(),
    # Counts between are right as such, and only cost memory.
    st.integers(-5, 40),
    st.sampled_from([2**63, 10**400, -(10**400)]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["20 ms", "20 mV", "1e400 ms", "learn", "v1", "LIF", "bundled", "../x", "a.b"]),
    st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2030, 1, 1)),
    st.dates(datetime.date(1990, 1, 1), datetime.date(2030, 1, 1)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["kind", "x", "a.b", "default", ""]), inner, max_size=2),
    ),
    max_leaves=4,
)

TINY = {**copy.deepcopy(tiny(DOCUMENT).document), "profiles": {"p": {"maps": 3}}}
OWN = study_table(study())
RULES = inline("projections.0.plasticity", OWN_RULE)
RULES["network"]["populations"][1]["competition"] = {"radius": 1, "winners": 3}
NOWHERE = Path(__file__).parent / "no such folder"
# Its file is not there: what is left to find is another error than that.
GIVEN = replaced(OWN, ("network", "weights"), {"file": "kernels.npz", "stage": "learn"})
COLUMN = study_table(
    Study("column", tuple(Stage(e, e.network) for e in [column(dynamic=True)]), seed=5)
)
DRIVEN = study_table(driven("spikes", "images"))


@pytest.mark.parametrize("value", [None, -1, 1e308, "", "x" * 900, [], {}, [{}], {"kind": "x"}])
def test_a_value_of_another_kind_is_one_error(value: Any) -> None:
    """In place of the network, of its populations, and of one population's shape."""
    for path in (("network",), ("network", "populations"), ("network", "populations", 0, "shape")):
        with pytest.raises(SpecError) as raised:
            study_from(replaced(OWN, path, value), folder=NOWHERE)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 1500


@pytest.mark.slow
@settings(max_examples=350, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_document_ends_in_anything_but_a_study_or_an_error(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([TINY, OWN, GIVEN, COLUMN, DRIVEN, inline("", None), RULES]))
    path = data.draw(st.sampled_from(leaves(base)))
    document = replaced(base, path, data.draw(VALUES))
    profile = data.draw(st.sampled_from([None, "p"]))
    try:
        made = study_from(document, profile=profile, folder=NOWHERE)
        # What is only looked at when it is used; kept small.
        for one in made.experiments:
            if one.trial_steps < 10_000 and one.source.size < 2_000:
                one.input_spikes(0)
    except (SpecError, DataError) as error:
        message = str(error)
    else:
        message = ""
        assert digests(study_from(study_table(made))) == digests(made)
    assert "\n" not in message
    assert len(message) < 1500
