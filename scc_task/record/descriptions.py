"""The constant text of a dataset: what every column means, in BIDS and HED words.

A described column needs a ``Format``, or the validator does not check its type at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from hardware.states import StopReason
from scc_task.record.events import AFTERMATH_S, EMPTY_MMHG, RISEN, SETTLING_S

Json = dict[str, Any]

BIDS_VERSION: Final = "1.11.1"
"""The version of the schema inside the validator; a newer one gives a warning."""
HED_VERSION: Final = "8.4.0"
"""The newest version that both the validator and the HED tools carry with them."""

DATASET_NAME: Final = "Self-compassion cuff task"
SIMULATED_SUFFIX: Final = " (contains simulated runs)"

STRATEGIES: Final[Mapping[str, str]] = {
    "compassion": "Self-compassion: meet the sensation and yourself with kindness",
    "neutral": "Neutral looking-on: let the sensation come and go",
}
STRATEGY_HED: Final[Mapping[str, str]] = {
    "compassion": "(Condition-variable/Strategy-compassion, (Imagine, Label/Self-compassion))",
    "neutral": "(Condition-variable/Strategy-neutral)",
}
RATING_SCALE_HED: Final[Mapping[str, str]] = {
    "intensity": "(Pain, Label/Intensity)",
    "unpleasantness": "(Pain, Label/Unpleasantness)",
}
STOP_REASONS: Final[Mapping[str, str]] = {
    StopReason.COMPLETED: "The plan was carried out to its end",
    StopReason.OPERATOR: "The operator stopped the run",
    StopReason.INTERRUPTED: "The terminal or the system asked the program to end",
    StopReason.PARTICIPANT: "The participant pressed the stop key",
    StopReason.WINDOW_CLOSED: "The participant's window was closed or lost",
    StopReason.CUFF_FAULT: "The pressure was not as it should be",
    StopReason.CUFF_LINK_LOST: "The cuff no longer answered",
    StopReason.SCANNER_LOST: "The scanner's pulses stopped, and the protocol wanted a stop then",
    StopReason.SUPERVISOR_LOST: "The process that guards the cuff ended or fell silent",
    StopReason.TASK_SILENT: "The task showed no sign of life while the cuff was armed",
    StopReason.RECORDING_LOST: "The journal could not be written",
    StopReason.PROGRAM_ERROR: "A fault of the program",
    StopReason.KILLED: "The program ended without a chance to say why",
}
MEASURED_COLUMNS: Final = ("hold_mmhg", "peak_mmhg", "rise_s", "fall_s")
NOT_MEASURED: Final = "Always n/a in this run: the device does not measure its pressure."
COMMANDED_COLUMNS: Final = ("commanded_mmhg", "acknowledged_mmhg")
BY_HAND: Final = (
    "Always n/a in this run: the pressure was set by hand on the device, and nobody checked it. What the "
    "protocol asked for is in Provenance (Pressures)."
)
DATA_SOURCES: Final[Mapping[str, str]] = {
    "measured": "A person in the scanner, a real cuff",
    "simulated": "Pressure, pulses or answers were emulated, at least in part; see Provenance "
    "in the events sidecar of the run",
}


def dataset_description(version: str) -> Json:
    """Return a description to start from; the study fills in its own names."""
    return {
        "Name": DATASET_NAME,
        "BIDSVersion": BIDS_VERSION,
        "HEDVersion": HED_VERSION,
        "DatasetType": "raw",
        "License": "n/a",
        "Authors": ["First author, to be named", "Last author, to be named"],
        "Keywords": ["pain", "cuff algometry", "self-compassion", "fMRI"],
        "GeneratedBy": [
            {
                "Name": "scc-task",
                "Version": version,
                "Description": "Events and recordings derived from the journals in sourcedata",
            }
        ],
        "SourceDatasets": [{"URL": "bids::sourcedata/"}],
    }


def readme(*, simulated: bool) -> str:
    """Return the README to start from."""
    return README + (SIMULATED_README if simulated else "")


README: Final = """# Self-compassion cuff task

Cued pressure pain from a pneumatic cuff, with ratings after each stimulus, during fMRI. Written by the
task computer at the end of each run; the images are added after conversion from DICOM.

## What is where

- `sub-*/ses-*/func/*_events.tsv`: the phases of each trial, in seconds from time zero, which is
  the onset of the first stored volume. Time that no row covers is rest.
- `sub-*/ses-*/func/*_events.json`: where the data of the run are from (`Provenance`).
- `sub-*/ses-*/func/*_recording-cuff_physio.tsv.gz`: measured and commanded cuff pressure and the
  scanner's pulses, from time zero on.
- `sub-*/ses-*/beh/*_beh.tsv`: calibrations, one row for each pressure that was asked for, with its
  rating; the cuff's recording is beside it.
- `sub-*/ses-*/*_scans.tsv`: one row per run, with the reason why it ended and whether it was
  simulated. Not every run is complete: look at `stop_reason` before you analyse.
- `sourcedata/`: the journals. All other files of a run are derived from its journal and can be
  made again from it; never edit or delete a journal.

Dates are real, in UTC, and may identify a person: shift them before the data are shared.
"""

SIMULATED_README: Final = """
## Simulated runs

This dataset contains simulated runs: an emulated cuff, scanner or participant, no person or not only
persons. They are marked `simulated` in the column `data_source` of `*_scans.tsv` and
`participants.tsv`, and in `Provenance` of their events sidecar. Do not analyse them as data.
"""


def changes(date: str) -> str:
    """Return the CHANGES file to start from."""
    return f"1.0.0 {date}\n  - First run recorded.\n"


PARTICIPANTS: Final[Json] = {
    "participant_id": {"Description": "Participant label", "Format": "string"},
    "data_source": {
        "LongName": "Source of the data",
        "Description": "Whether the participant's runs were measured or simulated",
        "Format": "string",
        "Levels": {**DATA_SOURCES, "mixed": "Some runs were measured and some simulated"},
    },
}

SESSIONS: Final[Json] = {
    "session_id": {"Description": "Session label", "Format": "string"},
    "acq_time": {
        "Description": "Start of the session's first run to be derived, UTC",
        "Format": "datetime",
    },
}

SCANS: Final[Json] = {
    "filename": {
        "Description": "Path of the file, relative to the session folder",
        "Format": "string",
    },
    "acq_time": {"Description": "When the task program began the run, UTC", "Format": "datetime"},
    "stop_reason": {
        "LongName": "Why the run ended",
        "Description": "n/a for files that the task program did not write",
        "Format": "string",
        "Levels": {str(reason): text for reason, text in STOP_REASONS.items()},
    },
    "data_source": {
        "LongName": "Source of the data",
        "Description": "n/a for files that the task program did not write",
        "Format": "string",
        "Levels": dict(DATA_SOURCES),
    },
}


def events_description(location: str | None = None) -> Json:
    """Return the description of the columns of ``events.tsv``.

    Parameters
    ----------
    location
        HED of the cuff's place, e.g. ``(Calf, Left)``.
    """
    pain = ", ".join(["Tactile-pressure", "Pain", *([location] if location else [])])
    return {
        "onset": _number(
            "Event onset",
            "s",
            "Start of the event, counted from time zero, the onset "
            "of the first stored volume. Screens: the time of the flip. Pain: the time at which the "
            "command to inflate was sent.",
        ),
        "duration": {
            **_number(
                "Event duration",
                "s",
                "Until the next step began, or the run ended. Pain: "
                "from the command to inflate to the command to vent.",
            ),
            "HED": "Duration/# s",
        },
        "trial_type": {
            "LongName": "Phase of the trial",
            "Description": "Condition to model. Time that no row covers is rest: fixation "
            "cross or other unmodelled screens, cuff empty.",
            "Format": "string",
            "Levels": {
                "instruction": "Text that names the strategy for this run",
                "anticipation": "Cue that announces the pressure",
                "pain": "Cuff commanded to its target pressure",
                "rating": "Rating scale in a fixed slot",
            },
            "HED": {
                "instruction": "({duration}, (Sensory-event, Instructional, Visual-presentation, "
                "Sentence))",
                "anticipation": "({duration}, (Sensory-event, Cue, Expected, Visual-presentation, "
                "Label/Anticipation))",
                "pain": "({duration}, (Sensory-event, Experimental-stimulus, Somatic-presentation, "
                f"({pain}), {{commanded_mmhg}}, {{hold_mmhg}}))",
                "rating": "({duration}, (Sensory-event, Query, Visual-presentation, "
                "Label/Visual-analog-scale, {rating_scale}))",
            },
        },
        "trial_number": {
            "LongName": "Trial number",
            "Description": "Counts the trials of the run from 1; n/a outside trials.",
            "Format": "integer",
            "HED": "Experimental-trial/#",
        },
        "strategy": {
            "LongName": "Instructed strategy",
            "Description": "Strategy the participant was told to use, the same for a whole run.",
            "Format": "string",
            "Levels": dict(STRATEGIES),
            "HED": dict(STRATEGY_HED),
        },
        "cue": {
            "LongName": "Cue on the screen",
            "Description": "Name of the cue as in the protocol file; n/a where none was shown.",
            "Format": "string",
        },
        "commanded_mmhg": {
            **_pressure("Commanded cuff pressure", "Gauge pressure the device was told to reach."),
            "HED": "(Parameter-label/Commanded-pressure-mmHg, Parameter-value/#)",
        },
        "acknowledged_mmhg": _pressure(
            "Acknowledged cuff pressure",
            "Gauge pressure the device answered it would reach; n/a if it did not answer.",
        ),
        "hold_mmhg": {
            **_pressure(
                "Measured hold pressure",
                f"Median of the measured pressure from {SETTLING_S:g} s after the command to "
                "inflate (or from the half, if the stimulus was shorter than twice that) to the "
                "command to vent.",
            ),
            "HED": "(Parameter-label/Hold-pressure-mmHg, Parameter-value/#)",
        },
        "peak_mmhg": _pressure(
            "Measured peak pressure",
            "Highest measured pressure from the command to inflate to "
            f"{AFTERMATH_S:g} s after the command to vent.",
        ),
        "rise_s": _number(
            "Rise time",
            "s",
            "From the command to inflate to the first sample at "
            f"{RISEN * 100:g} % of the commanded pressure or more; n/a if it was never reached.",
        ),
        "fall_s": _number(
            "Fall time",
            "s",
            "From the command to vent to the first sample below "
            f"{EMPTY_MMHG:g} mmHg; n/a if none was recorded before the next inflation or the end.",
        ),
        "rating_scale": {
            "LongName": "Rated quantity",
            "Description": "Which question the scale asked; n/a outside ratings.",
            "Format": "string",
            "Levels": {
                "intensity": "How intense the pain was, 0 to 100",
                "unpleasantness": "How unpleasant the pain was, 0 to 100",
            },
            "HED": dict(RATING_SCALE_HED),
        },
        "rating": {
            "LongName": "Rating",
            "Description": "Position of the marker when it was confirmed, in the numbers of the scale "
            "(see rating_scale); n/a if it was not confirmed in time.",
            "Format": "number",
            "Minimum": 0,
            "Maximum": 100,
            "HED": "(Participant-response, Judge, (Parameter-label/Rating-0-to-100, "
            "Parameter-value/#))",
        },
        "last_position": {
            "LongName": "Last position of the marker",
            "Description": "Where the marker stood when the slot ended, in the numbers of the "
            "scale, confirmed or not. Not a rating unless confirmed.",
            "Format": "number",
            "Minimum": 0,
            "Maximum": 100,
        },
        "response_time": _number(
            "Response time",
            "s",
            "From the onset of the scale to the confirmation; n/a if not confirmed.",
        ),
    }


def _number(long_name: str, unit: str, text: str) -> Json:
    return {"LongName": long_name, "Description": text, "Format": "number", "Units": unit}


def _pressure(long_name: str, text: str) -> Json:
    return _number(long_name, "mmHg", f"{text} 1 mmHg = 133.322 Pa; n/a outside pain.")
