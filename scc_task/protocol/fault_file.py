"""The grammar of a fault script: what an emulated device does wrong, and when."""

from typing import ClassVar, Final, Self

from pydantic import Field, model_validator

from hardware.fault_script import AMOUNTS, DEFAULT_AMOUNT, Fault, FaultKind
from scc_task.protocol.base import Model, Version, refuse

_KINDS: Final = tuple(kind.value for kind in FaultKind)


class FaultEntry(Model):
    """One fault."""

    kind: str = Field(description=f"one of {', '.join(_KINDS)}", examples=["leak"])
    start_s: float | None = Field(
        default=None, ge=0, description="seconds after the device is switched on", examples=[5]
    )
    into_s: float | None = Field(
        default=None, ge=0, description="seconds into each inflation", examples=[2]
    )
    for_s: float = Field(default=1e9, gt=0, description="how long, in seconds", examples=[3])
    amount: float | None = Field(
        default=None,
        description="share of the bytes (0 to 1), seconds of delay, share per second, or mmHg",
        examples=[0.5],
    )

    entry: ClassVar[str] = "setting"

    @model_validator(mode="after")
    def _is_one_of_ours(self) -> Self:
        if self.kind not in _KINDS:
            refuse(
                f"'{self.kind}' is no fault that is known here",
                do=f"write one of {', '.join(_KINDS)}",
                at=("kind",),
            )
        if self.amount is not None:
            self._fits(self.amount, FaultKind(self.kind))
        if (self.start_s is None) is (self.into_s is None):
            refuse(
                "a fault begins either at start_s or at into_s",
                do="write one of the two: start_s: 5, or into_s: 2",
            )
        return self

    def _fits(self, amount: float, kind: FaultKind) -> None:
        if kind not in AMOUNTS:
            refuse(
                f"a fault of the kind {kind} has no amount: it is there or not",
                do="remove 'amount'",
                at=("amount",),
            )
        least, most, unit = AMOUNTS[kind]
        if not least <= amount <= most:
            refuse(
                f"{amount:g} is no amount for {kind}: it is {unit}",
                do=f"write a number from {least:g} to {most:g}",
                at=("amount",),
            )

    def as_fault(self) -> Fault:
        """Return the fault as the emulators know it."""
        kind = FaultKind(self.kind)
        amount = self.amount if self.amount is not None else DEFAULT_AMOUNT.get(kind, 1.0)
        return Fault(
            kind=kind, start_s=self.start_s, into_s=self.into_s, for_s=self.for_s, amount=amount
        )


class FaultScript(Model):
    """A fault script."""

    version: Version = Field(description="version of the file format", examples=[1])
    faults: tuple[FaultEntry, ...] = Field(description="one '- {kind: leak, into_s: 2}' for each")

    def as_faults(self) -> tuple[Fault, ...]:
        """Return the faults as the emulators know them."""
        return tuple(entry.as_fault() for entry in self.faults)
