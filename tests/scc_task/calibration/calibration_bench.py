"""Shipped calibration protocols, and a hand that answers their requests."""

from collections.abc import Callable
from pathlib import Path

from scc_task.calibration.procedures import procedure_for
from scc_task.calibration.talk import Finished, Outcome, Procedure, Request
from scc_task.protocol.calibration_protocol import CalibrationProtocol
from scc_task.protocol.load import load_calibration_protocol

PROTOCOLS = Path(__file__).resolve().parents[3] / "protocols"
NAMES = ("ascent", "threshold", "staircase", "regression", "fixed")


def shipped(name: str = "ascent") -> CalibrationProtocol:
    """Return the shipped protocol of a procedure."""
    file = "calibration" if name == "ascent" else f"calibration-{name}"
    return load_calibration_protocol(PROTOCOLS / f"{file}.yaml").model


def fresh(
    protocol: CalibrationProtocol | None = None, *, seed: int = 3, ceiling_mmhg: float = 300.0
) -> Procedure:
    """Return a procedure that was told nothing yet."""
    return procedure_for(protocol or shipped(), seed=seed, ceiling_mmhg=ceiling_mmhg)


def rated(request: Request, rating: float | None) -> Outcome:
    """Return the outcome of a request that was borne, and agreed to where it must be."""
    return Outcome(
        request=request, rating=rating, operator_said_yes=True if request.needs_yes else None
    )


def stopped(request: Request) -> Outcome:
    """Return the outcome of a request that the participant stopped."""
    return Outcome(
        request=request,
        rating=None,
        tolerated=False,
        stopped=True,
        operator_said_yes=True if request.needs_yes else None,
    )


def asked(procedure: Procedure) -> Request:
    """Return the next request; fail if the procedure is over."""
    request = procedure.next()
    assert isinstance(request, Request), request
    return request


def drive(procedure: Procedure, rating: Callable[[float], float | None]) -> Finished:
    """Answer every request by its pressure until the procedure ends."""
    while isinstance(request := procedure.next(), Request):
        procedure.tell(rated(request, rating(request.pressure_mmhg)))
    return request


def person(p40_mmhg: float) -> Callable[[float], float]:
    """Return a person who rates without noise, from half of P40 on."""

    def rating(pressure_mmhg: float) -> float:
        return min(100.0, max(0.0, 80.0 * (pressure_mmhg / p40_mmhg - 0.5)))

    return rating
