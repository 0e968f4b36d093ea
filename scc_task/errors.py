"""What can go wrong for a person using the program, and the exit codes."""

import enum

from hardware.errors import ExplainedError

__all__ = [
    "ExitCode",
    "ExplainedError",
    "FileProblem",
    "FilesInvalid",
    "RecordingLost",
    "RunExists",
    "UsageInvalid",
    "WindowUnavailable",
]


class ExitCode(enum.IntEnum):
    """What the process tells a script."""

    DONE = 0
    PROGRAM_ERROR = 1
    BAD_USAGE = 2
    INVALID_FILE = 3
    HARDWARE_UNAVAILABLE = 4
    STOPPED_SAFELY = 5
    RECORDING_LOST = 6


class UsageInvalid(ExplainedError):
    """The command line asks for something that cannot be done."""

    code = "SCC-010"


class RunExists(UsageInvalid):
    """A run with this subject, session, task and number is on disk already."""

    code = "SCC-011"


class FileProblem(ExplainedError):
    """One problem in one file that a person wrote.

    Parameters
    ----------
    file
        Path as the person typed it.
    line, column
        Counted from 1; ``None`` when the problem is the file as a whole.
    """

    code = "SCC-100"

    def __init__(
        self, what: str, *, file: str, line: int | None, column: int | None, do: str
    ) -> None:
        place = ":".join([file, *(str(n) for n in (line, column) if n is not None)])
        super().__init__(what, where=place, do=do)
        self.file, self.line, self.column = file, line, column

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    do: {self.do}"


class FilesInvalid(ExplainedError):
    """Everything that is wrong with the files of one command, all at once."""

    code = "SCC-101"

    def __init__(self, problems: list[FileProblem]) -> None:
        ordered = sorted(problems, key=lambda p: (p.file, p.line or 0, p.column or 0))
        files = sorted({p.file for p in ordered})
        count = f"{len(ordered)} problem" + ("s" if len(ordered) != 1 else "")
        super().__init__(
            f"{count} in {', '.join(files)}", where=files[0], do="mend and check again"
        )
        self.problems = tuple(ordered)

    def __str__(self) -> str:
        return "\n".join([*(str(p) for p in self.problems), f"{self.what}   [{self.code}]"])


class RecordingLost(ExplainedError):
    """The journal could not be written; the run cannot go on."""

    code = "SCC-300"


class WindowUnavailable(ExplainedError):
    """The participant's window could not be opened."""

    code = "SCC-400"
