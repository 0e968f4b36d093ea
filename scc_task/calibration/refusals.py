"""Why an accepted calibration is not used: each reason has a class, a code and words of its own.

They are problems of a file, so every command tells them as it tells those of a protocol.
"""

from pathlib import Path

from scc_task.errors import FileProblem, FilesInvalid


class CalibrationRefused(FilesInvalid):
    """The participant's accepted calibration cannot be used for this run.

    Parameters
    ----------
    what
        What is wrong, in one sentence.
    path
        The calibration's file, or the folder where it should be.
    do
        What the person should do now.
    details
        What else is wrong with the file, with lines and columns.
    """

    code = "SCC-120"

    def __init__(
        self, what: str, *, path: Path, do: str, details: tuple[FileProblem, ...] = ()
    ) -> None:
        first = FileProblem(what, file=str(path), line=None, column=None, do=do)
        super().__init__([first, *details])


class NoCalibration(CalibrationRefused):
    """Nothing is stored for the participant."""

    code = "SCC-121"


class OtherSession(CalibrationRefused):
    """Only other sessions have one, and the study wants each session's own."""

    code = "SCC-122"


class OtherSite(CalibrationRefused):
    """The cuff sat elsewhere."""

    code = "SCC-123"


class OtherDevice(CalibrationRefused):
    """The cuff's device is another."""

    code = "SCC-124"


class TooOld(CalibrationRefused):
    """It is older than the protocol allows."""

    code = "SCC-125"


class FromTheFuture(CalibrationRefused):
    """It is dated later than now: one of the two clocks is wrong."""

    code = "SCC-126"


class OnlySimulated(CalibrationRefused):
    """It was made without a person in the cuff, and now there is one."""

    code = "SCC-127"


class Damaged(CalibrationRefused):
    """The file is not what the program wrote."""

    code = "SCC-128"


class Misplaced(CalibrationRefused):
    """The file's name and its contents are of different calibrations."""

    code = "SCC-129"


class RatingMissing(CalibrationRefused):
    """The protocol asks for a rating that was not calibrated."""

    code = "SCC-130"


class AboveCeiling(CalibrationRefused):
    """The pressure is above the ceiling that holds now."""

    code = "SCC-131"


class DoesNotHold(CalibrationRefused):
    """Its last check was stopped by the participant, or found that the pressure does not hold."""

    code = "SCC-132"


class CheckDamaged(CalibrationRefused):
    """The record of a check is damaged: what it found is not known."""

    code = "SCC-133"
