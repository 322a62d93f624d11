"""What else is changed while the window is open: any ingredient of training, with a deficit or without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer, model_validator

from critlab._core.problems import Problems
from critlab._core.spec import Spec
from critlab.study.specs import AugmentSpec
from critlab.study.switches import SWITCHES, Switch, read_switch, switch_key

EARLIER = ("weight_decay", "lr_factor", "augment", "objective", "select")
"""Keys that the plain values have in any case, as in earlier versions, so that records keep their digests."""


class WindowOverride(Spec):
    """Ingredients of training that have another value while the window is open; what is left out stays as it is.

    Each keyword is a row of :data:`critlab.study.switches.SWITCHES`, such as ``WindowOverride(batch=512, ema=0.99)``,
    or, in a mapping, a user's own ``"package.module:Class"``.

    Args:
        switches: what is switched, in the order of the registry; made from the keywords.

    Raises:
        InvalidValue: a StudyError and a ValueError, with one line for each problem.

    Source: ours; after Golatkar, Achille and Soatto 2019, "Time matters in regularizing deep networks", who switch
    weight decay and augmentation.
    """

    neutral: ClassVar[Mapping[str, Any]] = dict.fromkeys(EARLIER)
    switches: tuple[Switch, ...] = ()

    def __init__(self, /, *by_place: Any, **values: Any) -> None:
        """Make the value from the values of its switches by name.

        Raises:
            InvalidValue: a StudyError and a ValueError, with one line for each problem.
        """
        super().__init__(*by_place, **values)

    # as in Spec: pydantic must not call it where it reads plain values
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        """Each key with a value is a switch."""
        if not isinstance(raw, Mapping):
            return raw
        found: list[Switch] = []
        wrong: list[Any] = []
        for key, value in raw.items():
            try:
                found += [] if value is None else [read_switch(str(key), value)]
            except Problems as error:
                wrong += error.problems
        if wrong:
            raise Problems(wrong)
        order = list(SWITCHES.rows)
        places = [order.index(one.name) if switch_key(one) in order else len(order) for one in found]
        return {"switches": tuple(one for _, one in sorted(zip(places, found, strict=True), key=lambda pair: pair[0]))}

    @model_validator(mode="after")
    def _switches_something(self) -> Self:
        if not self.switches:
            names = ", ".join(SWITCHES)
            raise Problems([((), f"received a section that changes nothing; give at least one of {names}, or omit it")])
        given = {switch_key(one): one for one in self.switches}
        clashes = [(key, other) for key, one in given.items() for other in one.excludes if other in given]
        if clashes:
            raise Problems([((key,), f"received both {key} and {other}; give one of them") for key, other in clashes])
        return self

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        given = {switch_key(one): one.plain(bool(info.exclude_defaults)) for one in self.switches}
        return given if info.exclude_defaults else {**dict.fromkeys(EARLIER), **given}

    def __iter__(self) -> Iterator[Switch]:  # type: ignore[override]  # pydantic goes through fields
        return iter(self.switches)

    def get(self, key: str) -> Any:
        """The value of one switch; None where it is left out."""
        return next((one.value for one in self.switches if switch_key(one) == key), None)

    def words(self) -> str:
        """In one word of a run's name, such as ``switch(weight_decay=0.0, augment=none)``."""
        return f"switch({', '.join(f'{key}={_told(value)}' for key, value in self.special().items())})"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value))
    if not isinstance(value, Mapping):
        return str(value)
    if value.keys() <= AugmentSpec.model_fields.keys():
        given = [f"{k}={v}" for k, v in value.items() if v and v != AugmentSpec.neutral.get(k)]
        return f"({', '.join(given)})" if given else "none"
    if "name" not in value:
        return f"({', '.join(f'{k}={_told(v)}' for k, v in value.items())})"
    options = [f"{k}={v}" for k, v in value.items() if k not in ("name", "when")]
    return f"{value['name']}({', '.join(options)})" if options else str(value["name"])
