"""One tree of errors, one line each."""

from __future__ import annotations

import pytest

from scnnbio import errors

#: (class, exit code) as the DESIGN of the command line has them.
CODES = {"SpecError": 2, "DataError": 2, "UnsupportedError": 3, "BackendMissing": 3}


def test_every_error_is_in_the_tree_with_its_exit_code():
    found = {
        name: item.exit_code
        for name, item in vars(errors).items()
        if isinstance(item, type)
        and issubclass(item, errors.ScnnbioError)
        and item is not errors.ScnnbioError
    }
    assert found == CODES
    assert all(name in (errors.__doc__ or "") for name in CODES)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.SpecError, ValueError),
        (errors.DataError, OSError),
        (errors.BackendMissing, ImportError),
    ],
)
def test_an_error_is_one_line_with_its_place(cls, builtin):
    error = cls("the value\nis  wrong", where="network.\npopulations[0]")
    assert isinstance(error, builtin)
    assert str(error) == "network. populations[0]: the value is wrong"
    assert str(cls("wrong")) == "wrong"


def test_a_long_quotation_is_cut_in_the_middle():
    message = errors.SpecError(f"{'9' * 10_000} is not a count").message
    assert len(message) == 1005
    assert message.endswith("9 is not a count")


def test_all_that_is_unsupported_is_told_at_once():
    reasons = [errors.Unsupported(f"population {n!r}", "too odd", "use LIF") for n in "ab"]
    error = errors.UnsupportedError("nest", reasons)
    assert error.reasons == tuple(reasons)
    assert str(error) == (
        "not available on nest: population 'a': too odd; use LIF | population 'b': too odd; use LIF"
    )
