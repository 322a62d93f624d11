"""A user's own function that is switched on and off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from pydantic import field_validator

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import Problems, shown
from critlab._core.user_code.identity import OwnCode, own_code
from critlab.study.switches.switch import Switch, Trained


class Call(Switch):
    """A user's own ``"package.module:function"``, called as ``function(training, on)``.

    ``training`` has ``model``, ``optimizer``, ``seed`` and ``epoch``. The function is called with ``on = True`` before
    each epoch of the window and before each test in it, and with ``on = False`` afterwards. It sets values of the
    network, such as attributes of its modules, and sets them back: what ``on = True`` changes, ``on = False`` restores.
    It must not change weights and not add any.
    """

    name: ClassVar[str] = "call"
    citation: ClassVar[str] = "ours"
    measured: ClassVar[bool] = True
    value: str

    @field_validator("value")
    @classmethod
    def _is_path(cls, value: str) -> str:
        if not is_path(value):
            raise Problems([((), f'received {shown(value)}; must be "package.module:function"')])
        return value

    def identity(self) -> dict[str, Any]:
        """The path, and the digest of the user's code."""
        return {"value": self.value, "source": self.codes()[0].digest}

    def codes(self) -> tuple[OwnCode, ...]:
        """What names the function."""
        return (own_code(self._function(), self.value),)

    @contextmanager
    def scope(self, trained: Trained) -> Iterator[None]:
        """Call the function with ``on = True``, and afterwards with ``on = False``.

        Raises:
            StudyError: it fails, or changes which weights are trained without the optimiser knowing.
        """
        function = self._function()
        known = {id(one) for one in trained.model.parameters()}
        self._called(function, trained, True)
        try:
            self._refuse_other_weights(len({id(one) for one in trained.model.parameters()} - known))
            yield
        finally:
            self._called(function, trained, False)

    def _function(self) -> Callable[[Trained, bool], object]:
        found = imported(self.value, "switch.call")
        if not callable(found):
            kind = type(found).__name__
            raise StudyError(f"switch.call: {shown(self.value)} is {kind}; must be a function (training, on)")
        return found  # type: ignore[no-any-return]  # all that callable() checks

    def _called(self, function: Callable[[Trained, bool], object], trained: Trained, on: bool) -> None:
        try:
            function(trained, on)
        except CritlabError:
            raise
        except Exception as error:
            text = f"switch.call: {shown(self.value)} failed with on = {on}: {one_line(error)}"
            raise StudyError(text) from error

    def _refuse_other_weights(self, added: int) -> None:
        if added:
            raise StudyError(
                f"switch.call: {shown(self.value)} adds {added} parameters that the optimiser does not know; make them "
                "where the model is made, and switch their use"
            )
