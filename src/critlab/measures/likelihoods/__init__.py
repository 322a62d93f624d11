"""How labels are distributed given the output of a network: one likelihood a file, each a frozen value.

A likelihood names the output shapes that it understands. The Fisher measures and the watch take their random signs,
their exact sums and their losses from it. torch is imported inside functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from critlab._core.component import plain_component, read_component
from critlab._core.errors import StudyError
from critlab._core.problems import Problems, shown
from critlab._core.registry import Registry
from critlab.measures.likelihoods.likelihood import Likelihood

LIKELIHOODS: Registry[type[Likelihood]] = Registry(
    "likelihood",
    Likelihood,
    "critlab.likelihoods",
    {
        "categorical": "critlab.measures.likelihoods.categorical:Categorical",
        "categorical_per_position": "critlab.measures.likelihoods.categorical_per_position:CategoricalPerPosition",
        "bernoulli": "critlab.measures.likelihoods.bernoulli:Bernoulli",
        "gaussian": "critlab.measures.likelihoods.gaussian:Gaussian",
        "gaussian_variance": "critlab.measures.likelihoods.gaussian_variance:GaussianVariance",
    },
    classes=True,
)
"""The likelihoods by name."""


def likelihood_of(raw: object, measure: str) -> Likelihood:
    """The likelihood called ``raw``, the one that ``{"name": ..., **options}`` describes, or ``raw`` itself.

    Raises:
        StudyError: there is none; ``measure`` begins the message.
    """
    try:
        found = read_likelihood(raw)
    except Problems as error:
        where, text = error.problems[0]
        raise StudyError(f"{measure}: {'.'.join(map(str, ('likelihood', *where)))}: {text}") from None
    if not isinstance(found, Likelihood):
        raise StudyError(
            f"{measure}: likelihood: received {shown(raw)}; must be one of {', '.join(LIKELIHOODS)}, or a Likelihood"
        )
    return found


def read_likelihood(raw: object) -> object:
    """As :func:`likelihood_of`; what is neither name nor mapping stays as it is.

    Raises:
        Problems: a ValueError whose locations lie inside ``raw``, for use in a validator.
    """
    if isinstance(raw, str):
        try:
            return read_component({"name": raw}, LIKELIHOODS)
        except Problems as error:
            # a name alone has no key to point at
            raise Problems([((), text) for _, text in error.problems]) from None
    return read_component(raw, LIKELIHOODS) if isinstance(raw, Mapping) else raw


def _plain(likelihood: Likelihood) -> dict[str, Any]:
    return plain_component(likelihood, LIKELIHOODS)


AnyLikelihood = Annotated[Likelihood, BeforeValidator(read_likelihood), PlainSerializer(_plain)]
"""A field of a specification: a name, or a table with name and options."""
