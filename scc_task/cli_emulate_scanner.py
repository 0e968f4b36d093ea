"""The command ``emulate scanner``: a scanner behind any trigger that a rig file can name."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal

import typer

from scc_task.errors import ExitCode, UsageInvalid
from scc_task.protocol.rig_scanner import BYTE

Trigger = Literal["serial", "keyboard", "modem_line", "parallel", "lsl"]
PERCENT: Final[dict[str, Any]] = {"min": 0.0, "max": 100.0}
OpenLog = Callable[[Path | None], AbstractContextManager[IO[str] | None]]


def add_to(app: typer.Typer, open_log: OpenLog) -> None:
    """Add the command.

    Parameters
    ----------
    open_log
        Opens the log that every emulated device may write.
    """

    @app.command("scanner")
    def emulate_scanner(
        trigger: Annotated[
            Trigger, typer.Option("--trigger", help="the word in the rig file")
        ] = "serial",
        link: Annotated[
            Path | None, typer.Option("--link", help="serial: give the pty this name")
        ] = None,
        tcp: Annotated[
            int | None,
            typer.Option("--tcp", min=0, max=65535, help="serial, modem_line: port on 127.0.0.1"),
        ] = None,
        byte: Annotated[str, typer.Option("--byte", help="serial: what a pulse sends")] = "5",
        key: Annotated[str, typer.Option("--key", help="keyboard: what a pulse types")] = "5",
        line: Annotated[
            Literal["cts", "dsr", "dcd", "ri"], typer.Option("--line", help="modem_line")
        ] = "cts",
        pin: Annotated[
            Literal["10", "11", "12", "13", "15"], typer.Option("--pin", help="parallel")
        ] = "10",
        edge: Annotated[
            Literal["rising", "falling"], typer.Option("--edge", help="modem_line, parallel")
        ] = "rising",
        stream: Annotated[str, typer.Option("--stream", help="lsl: its name")] = "Scanner",
        marker: Annotated[str, typer.Option("--marker", help="lsl: what a pulse sends")] = "5",
        tr: Annotated[float, typer.Option("--tr", min=0.01, help="repetition time, s")] = 1.0,
        count: Annotated[int, typer.Option("--count", min=1, help="pulses to send")] = 100,
        silent: Annotated[int, typer.Option("--silent", min=0, help="dummies without a pulse")] = 0,
        delay: Annotated[float, typer.Option("--delay", min=0.0, help="seconds from start")] = 2.0,
        pulse_ms: Annotated[
            float, typer.Option("--pulse-ms", min=0.1, max=1000.0, help="length of a pulse")
        ] = 10.0,
        miss: Annotated[float, typer.Option("--miss", **PERCENT, help="% not sent")] = 0.0,
        extra: Annotated[float, typer.Option("--extra", **PERCENT, help="% between pulses")] = 0.0,
        bounce: Annotated[
            float, typer.Option("--bounce", min=0.0, max=90.0, help="% that bounce")
        ] = 0.0,
        double: Annotated[bool, typer.Option("--double", help="each pulse twice")] = False,
        jitter_ms: Annotated[
            float, typer.Option("--jitter-ms", min=0.0, help="standard deviation")
        ] = 0.0,
        tr_error: Annotated[
            float, typer.Option("--tr-error", min=-90.0, max=900.0, help="% longer than --tr")
        ] = 0.0,
        start_late: Annotated[
            int, typer.Option("--start-late", min=0, help="so many first pulses are lost")
        ] = 0,
        seed: Annotated[int, typer.Option("--seed", help="of all that is left to chance")] = 0,
        log: Annotated[
            Path | None,
            typer.Option("--log", help="what was sent and when, one JSON object a line"),
        ] = None,
    ) -> int:
        """Serve a scanner's trigger: pulses from the line "start" on standard input on."""
        from hardware.sim.pulse_ends import open_pulse_end
        from hardware.sim.pulse_trains import Trouble
        from hardware.sim.scanner import PulseTrain
        from hardware.sim.serve import serve
        from hardware.sim.served_scanner import ServedScanner
        from hardware.triggers.serial_byte import byte_of

        if not re.match(BYTE, byte):
            raise UsageInvalid(
                f"'{byte}' is not one byte", where="--byte", do="give a character, or 0x00 to 0xff"
            )
        if tr * 1000 < pulse_ms:
            raise UsageInvalid(
                f"a pulse of {pulse_ms:g} ms does not fit into a TR of {tr:g} s",
                where="--pulse-ms",
                do="choose a shorter pulse or a longer TR",
            )
        end = open_pulse_end(
            trigger,
            link=link,
            tcp=tcp,
            byte=byte_of(byte),
            key=key,
            line=line,
            pin=int(pin),
            rising=edge == "rising",
            stream=stream,
            marker=marker,
        )
        trouble = Trouble(
            missed=miss / 100,
            extra=extra / 100,
            bounced=bounce / 100,
            jitter_s=jitter_ms / 1000,
            tr_error=tr_error / 100,
            lost_first=start_late,
        )
        with open_log(log) as file:
            scanner = ServedScanner(
                PulseTrain(start_s=delay, tr_s=tr, count=count, silent=silent),
                end,
                trouble=trouble,
                double=double,
                seed=seed,
                pulse_s=pulse_ms / 1000,
                log=file,
            )
            serve(scanner, end, announce=lambda words: typer.echo(words), on_start=scanner.start)
        return ExitCode.DONE
