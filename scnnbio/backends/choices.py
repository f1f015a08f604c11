"""Choice of a backend for each stage, as written on the command line."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scnnbio import backends
from scnnbio.errors import SpecError, hint
from scnnbio.experiment import documents
from scnnbio.experiment.documents import choose


@dataclass(frozen=True)
class Choice:
    """A backend with its options, as the user named it.

    Parameters
    ----------
    label : str
        ``name``, or ``name:option=value`` with any number of options.
    given : mapping of str to object
        Further options.

    Raises
    ------
    SpecError
        If there is no such backend, or an option is not written ``option=value``.
    """

    label: str
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    name: str = field(init=False)
    options: Mapping[str, Any] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        name, *rest = self.label.split(":")
        written = dict(documents.setting(word) for word in rest)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "options", {**written, **self.given})
        if name not in backends.BACKENDS:
            raise SpecError(f"there is no backend {name!r}; {hint(name, backends.BACKENDS)}")

    def backend(self) -> backends.Backend:
        """Make the backend.

        Raises
        ------
        SpecError
            If it has no such option.
        BackendMissing
            If its simulator is not installed.
        """
        return backends.get(self.name, self.options)


def by_stage(
    text: str, stages: Sequence[str], options: Mapping[str, Any] | None = None
) -> dict[str, Choice]:
    """The backend of each stage.

    Parameters
    ----------
    text : str
        One backend for all stages; or ``stage=backend``, separated by commas, and a backend without
        a stage for those that are not named.
    stages : sequence of str
        Names of all stages.
    options : mapping of str to object, optional
        Options of the backend, if there is only one.

    Returns
    -------
    dict of str to Choice

    Raises
    ------
    SpecError
        If a stage is unknown, named twice or left without a backend, or options are given for
        several backends.

    Examples
    --------
    >>> found = by_stage("brian2,test=nest", ["learn", "control", "test"])
    >>> {stage: choice.name for stage, choice in found.items()}
    {'learn': 'brian2', 'control': 'brian2', 'test': 'nest'}
    """
    labels: dict[str, str] = {}
    for word in filter(None, map(str.strip, text.split(","))):
        stage, equals, label = word.partition("=")
        # Options also contain "=": "nest:threads=2" has no stage.
        if not equals or ":" in stage:
            stage, label = "", word
        else:
            choose(dict.fromkeys(stages), stage, "stage", "--backend")
        if stage in labels:
            what = f"stage {stage!r}" if stage else "the backend of all other stages"
            raise SpecError(f"{what} is given twice; give it once", where="--backend")
        labels[stage] = label
    if options and len(set(labels.values())) > 1:
        raise SpecError(
            "backend.KEY needs a single backend, but there are several; write NAME:KEY=VALUE",
            where="--set",
        )
    found = {}
    for stage in stages:
        if stage not in labels and "" not in labels:
            raise SpecError(
                f"stage {stage!r} has no backend; name one, or one for all others",
                where="--backend",
            )
        found[stage] = Choice(labels.get(stage, labels.get("", "")), options or {})
    return found


def targets(
    stages: Sequence[str],
    backend: str | backends.Backend,
    options: Mapping[str, Any] | None = None,
) -> dict[str, backends.Backend]:
    """Make the backend of each stage; stages with the same backend and options share one.

    Parameters
    ----------
    stages : sequence of str
        Names of all stages.
    backend : str or Backend
        An instance runs all stages; for text see :func:`by_stage`.
    options : mapping of str to object, optional
        Options of a backend that is given by name.

    Raises
    ------
    SpecError
        As :func:`by_stage`; or if options are given with an instance of a backend.
    BackendMissing
        If a simulator is not installed.
    """
    if isinstance(backend, backends.Backend):
        if options:
            raise SpecError(
                f"{backend.name} is an instance, which already has its options; give them to its"
                " constructor",
                where="options",
            )
        return dict.fromkeys(stages, backend)
    if not isinstance(backend, str):
        raise SpecError(
            f"{reprlib.repr(backend)} is neither a backend nor the name of one", where="run"
        )
    choices = by_stage(backend, stages, options)
    made = {choice: choice.backend() for choice in choices.values()}
    return {stage: made[choice] for stage, choice in choices.items()}
