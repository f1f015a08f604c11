"""Every public parameter that is a number, found by its annotation."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike

import scnnbio.analysis
from scnnbio import LIF, Population
from scnnbio.backends.base import Backend
from scnnbio.errors import ScnnbioError
from scnnbio.units import In
from tests.public_arguments import ARGUMENTS, INSTANCES, network

#: Where public names are.
MODULES = [
    "scnnbio",
    *(f"scnnbio.{part}" for part in ("connectors", "encoding", "experiment", "neurons")),
    *(f"scnnbio.{part}" for part in ("plasticity", "recording", "stimuli", "inputs")),
    *(f"scnnbio.neurons.{part}" for part in ("linearised", "rates", "synapses", "system")),
    *(m.name for m in pkgutil.iter_modules(scnnbio.analysis.__path__, "scnnbio.analysis.")),
    "scnnbio.fitting",
    "scnnbio.validation.evidence",
]
BACKENDS = [f"scnnbio.backends.{name}.backend" for name in ("brian2", "nest", "spinnaker")]

#: What scnnbio itself makes and returns; only its methods are called by others.
RESULTS = {
    *("Linearisation", "EulerStability", "EffectiveMembrane", "Run", "Published", "Adaptation"),
    *("Distance", "Agreement", "Alignment", "Convergence", "Membranes", "FrequencyResponse"),
    *("GaborFit", "Estimate", "Curve", "GainChange", "Line", "Return", "Irregularity"),
    *("Images", "Draw", "ReadOut", "Accuracy", "Drift", "SignalToNoise"),
    *(
        "Statistic",
        "Responses",
        "KernelMeasures",
        "Correlations",
        "Inhibition",
        "TrialCV",
        "Results",
        "Curves",
        "Flanks",
        "Fit",
        "Measurement",
        "SpikeTriggered",
        "LearningCourse",
        *(
            "Capacity",
            "CodeTask",
            "ConvertedCourse",
            "Condition",
            "Energy",
            "LayerOperations",
            "Machine",
            "Operations",
        ),
        "PathOperations",
        "MaskedCurves",
        "Ranked",
        "MaskFit",
        "Code",
        "Learned",
        *("Coincidences", "Fold", "Scores", "SweepScore"),
    ),
}

#: Parameters whose annotation leaves open that they are no quantity.
OTHERS = {
    "indices": {
        "trials",
        "step",
        "trial",
        "unit",
        "units",
        "maps",
        "conditions",
        "Events.x",
        "Events.y",
        "Events.p",
    },
    "pairs of neurons": {"edges"},
    "columns of a trial table": {
        "FromImages.labels",
        "FromCurrents.trials",
        "labels",
        "fixed",
        "best_at",
    },
    "objects of other packages": {
        "pre",
        "post",
        "projection",
        "engine",
        "run",
        "classifiers",
        "source",
    },
    "whole documents": {"document", "rows", "digest_of.value", "mean.values"},
    "measures that were made": {
        "by_unit.columns",
        "information.shares",
        "position_weights.kernel",
    },
    "shares of a count": {"Ranked.best.precision"},
}


#: Parameters whose unit only the population knows.
NOISE = {"PoissonNoise.weight", "OrnsteinUhlenbeckNoise.mean", "OrnsteinUhlenbeckNoise.sigma"}


@dataclass(frozen=True)
class Case:
    """One public parameter."""

    name: str
    parameter: str
    mark: In
    call: Callable[..., Any]
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}.{self.parameter}"

    @property
    def value(self) -> Any:
        """What is given where nothing is tried."""
        return self.arguments[self.parameter]

    def result(self, value: Any) -> Any:
        """What comes of another value."""
        arguments = {**self.arguments, self.parameter: value}
        made = {k: v() if inspect.isroutine(v) else v for k, v in arguments.items()}
        if str(self) == "Projection.weight":  # whose unit only the network knows
            return network(weight=value).projections[0].weight
        if str(self) in NOISE:
            return Population("v1", (1, 1, 1), LIF, noise=self.call(**made)).noise[0]
        return self.call(**made)


class _Open(type):
    """A name that only a type checker imports, and whatever is asked of it."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class Unknown(metaclass=_Open):
    pass


def hints(thing: Any) -> dict[str, Any]:
    """Annotations, those that only a type checker imports left open."""
    own = (
        inspect.isclass(thing) and "__init__" in vars(thing) and not dataclasses.is_dataclass(thing)
    )
    if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
        own = not thing.__dataclass_params__.init
    subject = thing.__init__ if own else thing
    known: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(subject, localns=known, include_extras=True)
        except NameError as error:
            known[error.name] = Unknown


def marks(annotation: Any) -> Iterator[In | None]:
    """Marks of the numbers in an annotation; None for a number without one."""
    if get_origin(annotation) is Annotated:
        declared = [m for m in annotation.__metadata__ if isinstance(m, In)]
        yield from declared or marks(get_args(annotation)[0])
    elif annotation in (float, complex, np.ndarray, Any) or annotation == ArrayLike:
        yield None
    elif get_origin(annotation) is np.ndarray:
        kind = get_args(get_args(annotation)[1])[0]
        if kind is Any or not issubclass(kind, np.integer | np.bool_ | np.complexfloating):
            yield None
    elif get_origin(annotation) not in (typing.Literal, Callable, type):
        for part in get_args(annotation):
            if part is not Ellipsis and not isinstance(part, list):
                yield from marks(part)


def public() -> Iterator[tuple[str, Any]]:
    """Public functions and classes by module and name, each once."""
    seen = set()
    for place in [*MODULES, *BACKENDS]:
        module = importlib.import_module(place)
        names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
        for name in names:
            thing = getattr(module, name)
            is_own = hasattr(module, "__all__") or getattr(thing, "__module__", "") == place
            if not (inspect.isfunction(thing) or inspect.isclass(thing)) or not is_own:
                continue
            if place in BACKENDS and not (inspect.isclass(thing) and issubclass(thing, Backend)):
                continue
            if thing in seen or (inspect.isclass(thing) and issubclass(thing, ScnnbioError)):
                continue
            seen.add(thing)
            yield f"{thing.__module__.rpartition('.')[2]}.{name}", thing


def arguments_of(*names: str) -> Mapping[str, Any]:
    """Arguments of the first of these names that has any."""
    return next((ARGUMENTS[name] for name in names if name in ARGUMENTS), {})


def instance(cls: type) -> Any:
    """An object whose methods are tried."""
    if cls.__name__ in INSTANCES:
        return INSTANCES[cls.__name__]()
    arguments = arguments_of(cls.__name__)
    return cls(**{k: v() if inspect.isroutine(v) else v for k, v in arguments.items()})


def callables() -> Iterator[tuple[str, Any, Callable[..., Any], Mapping[str, Any]]]:
    """Name, what is annotated, how to call it, and its arguments."""
    for full, thing in public():
        name = thing.__name__
        if inspect.isfunction(thing):
            yield name, thing, thing, arguments_of(full, name)
            continue
        if name not in RESULTS and not inspect.isabstract(thing):
            yield name, thing, thing, arguments_of(name)
        for method, function in vars(thing).items():
            if method.startswith("_") or not inspect.isfunction(function):
                continue
            if getattr(function, "__isabstractmethod__", False):
                continue
            names = [f"{base.__name__}.{method}" for base in thing.__mro__]

            def call(owner: type = thing, method: str = method, **arguments: Any) -> Any:
                return getattr(instance(owner), method)(**arguments)

            yield f"{name}.{method}", function, call, arguments_of(*names)


def parameters() -> Iterator[
    tuple[str, Any, Callable[..., Any], Mapping[str, Any], str, list[Any]]
]:
    exempt = frozenset().union(*OTHERS.values())
    for name, thing, call, arguments in callables():
        found = hints(thing)
        for parameter, about in inspect.signature(thing).parameters.items():
            if about.kind is about.VAR_KEYWORD or parameter not in found:
                continue
            numbers = list(dict.fromkeys(marks(found[parameter])))
            undeclared = parameter in exempt or f"{name}.{parameter}" in exempt
            numbers = [mark for mark in numbers if not (undeclared and mark is None)]
            if numbers:
                given = {parameter: about.default, **arguments}
                yield name, thing, call, given, parameter, numbers


def cases() -> list[Case]:
    return [
        Case(name, parameter, mark, call, given)
        for name, _, call, given, parameter, numbers in parameters()
        for mark in numbers
        if mark is not None
    ]
