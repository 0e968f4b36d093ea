"""The scanner's pulses in the sidecars: what was counted, missed and doubted, and the drift."""

from typing import Any

from scc_task.documents import Pulse, PulseKind
from scc_task.pulse_report import PulseReport, pulse_report
from scc_task.record.run import RunRecord

Json = dict[str, Any]


def report_of(run: RunRecord) -> PulseReport | None:
    """Return what a run's pulses come to; ``None`` without a scanner or without a pulse."""
    if not run.plan.scanner.volumes or not run.pulses:
        return None
    return pulse_report(
        run.plan.scanner,
        run.pulses,
        run.zero,
        doubts=run.pulse_doubts,
        until_s=run.last_s if run.stop is None else run.stop.time_s,
    )


def counted(run: RunRecord) -> tuple[float, ...]:
    """Return the times of the pulses that have a number: what belongs into the column ``trigger``."""
    return tuple(p.time_s for p in run.pulses if p.number is not None)


def pulses_block(run: RunRecord, t0_s: float) -> Json | None:
    """Return the pulses of a run for its sidecars. Times are in seconds from time zero."""
    report = report_of(run)
    if report is None:
        return None
    scanner, line = run.plan.scanner, report.line
    block: Json = {
        "RepetitionTimeInProtocol": scanner.tr_s,
        "DummyKind": str(scanner.dummy_kind),
        "DummyVolumes": scanner.dummies,
        "VolumesInProtocol": scanner.volumes,
        "TimeZero": {
            "Trust": str(report.trust),
            "Inferred": report.inferred,
            "UncertaintySeconds": report.uncertainty_s,
            # had all that is too few or too many at the end been lost or added at the beginning
            "MayBeTooLateByRepetitions": report.unheard_at_end,
            "MayBeTooEarlyByRepetitions": report.went_on,
            "Doubts": list(report.doubts),
        },
        "VolumesHeard": report.volumes,
        "DummiesHeard": _times(run.pulses, PulseKind.DUMMY, t0_s),
        "MissedNumbers": list(report.missed),
        "MissingAtEnd": report.unheard_at_end,
        "AfterLastVolume": report.went_on,
        "Extra": _times(run.pulses, PulseKind.EXTRA, t0_s),
        "Bounced": _times(run.pulses, PulseKind.BOUNCE, t0_s),
        "NumbersOffTheLine": list(report.strays),
        "NotSure": [round(p.time_s - t0_s, 3) for p in run.pulses if p.unsure],
        "BeforeLastStart": [round(p.time_s - t0_s, 3) for p in run.pulses_before],
    }
    if line is not None:
        ppm, error_ppm = line.drift_ppm(scanner.tr_s)
        block["Clock"] = {
            "MeasuredRepetitionTime": round(line.tr_s, 7),
            "MeasuredRepetitionTimeStandardError": round(line.tr_error_s, 7),
            "DriftPpm": round(ppm, 2),
            "DriftStandardErrorPpm": round(error_ppm, 2),
            "JitterSeconds": round(line.jitter_s, 6),
            "LargestResidualSeconds": round(line.worst_s, 6),
            "Pulses": line.pulses,
            "LeftOut": line.left_out,
        }
    return block


def _times(pulses: tuple[Pulse, ...], kind: PulseKind, t0_s: float) -> list[float]:
    return [round(p.time_s - t0_s, 3) for p in pulses if p.kind is kind]
