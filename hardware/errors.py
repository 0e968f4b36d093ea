"""Failures between us and a device, written for the person who meets them."""

from typing import Any, ClassVar


class ExplainedError(Exception):
    """A failure that we can explain to the person at the console.

    Parameters
    ----------
    what
        What is wrong, in one sentence.
    where
        File, line, field, port or step where it is wrong.
    do
        What the person should do now.
    """

    code: ClassVar[str] = "SCC-000"

    def __init__(self, what: str, *, where: str, do: str) -> None:
        super().__init__(what)
        self.what, self.where, self.do = what, where, do

    def __str__(self) -> str:
        return f"{self.what}\n  where: {self.where}\n  do:    {self.do}   [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross a process boundary whole: keyword-only arguments are not in ``args``."""
        return _restored, (type(self), self.args, self.__dict__.copy())


def _restored(
    cls: type[ExplainedError], args: tuple[Any, ...], state: dict[str, Any]
) -> ExplainedError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class HardwareError(ExplainedError):
    """Base of everything that goes wrong between us and a device."""

    code = "SCC-200"


class HardwareUnavailable(HardwareError):
    """A port cannot be opened, or the thing behind it does not answer or does not fit."""

    code = "SCC-201"


class LinkLost(HardwareError):
    """The wire to a device went away."""

    code = "SCC-202"


class CodecError(HardwareError):
    """The device sent bytes that we cannot trust."""

    code = "SCC-210"


class LimitExceeded(HardwareError):
    """A pressure, time or dose beyond the lowest limit was asked for."""

    code = "SCC-230"
