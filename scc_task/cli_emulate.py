"""The command ``emulate``: serve an emulated device on a port, for the task or for anybody."""

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Annotated

import typer

from hardware.sim.devices import DEVICES, ON_MODEM_LINES, ON_TCP
from scc_task.errors import ExitCode, UsageInvalid

app = typer.Typer(help="Serve an emulated device on a pty, or on a TCP port.", no_args_is_help=True)
LinkOption = Annotated[
    Path | None, typer.Option("--link", help="give the pty this name (a symbolic link)")
]
TcpOption = Annotated[
    int | None,
    typer.Option("--tcp", min=0, max=65535, help="TCP port on 127.0.0.1 instead of a pty; 0: any"),
]
SeedOption = Annotated[int, typer.Option("--seed", help="of noise and faults")]
LogOption = Annotated[
    Path | None, typer.Option("--log", help="what the device did, one JSON object a line")
]


def _log(path: Path | None) -> AbstractContextManager[IO[str] | None]:
    """Return a log that is written line by line: it must survive a killed process."""
    if path is None:
        return contextlib.nullcontext()
    try:
        return path.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise UsageInvalid(
            f"the log cannot be written: {error.strerror or error}",
            where=str(path),
            do="name a file in a folder that exists and can be written",
        ) from error


FaultsOption = Annotated[
    Path | None, typer.Option("--faults", help="fault script, e.g. protocols/faults-example.yaml")
]


def _add_cuff(driver: str, title: str) -> None:
    """Add the command of an emulated cuff."""

    @app.command(driver, help=f"{title} Ends when its standard input ends.")
    def emulate_cuff(
        link: LinkOption = None,
        tcp: TcpOption = None,
        seed: SeedOption = 0,
        faults: FaultsOption = None,
        log: LogOption = None,
    ) -> int:
        return _serve_cuff(driver, link=link, tcp=tcp, seed=seed, faults=faults, log=log)


for _driver, _make in DEVICES.items():
    _add_cuff(_driver, (_make.__doc__ or f"Serve the device {_driver}.").splitlines()[0])


def _serve_cuff(
    driver: str,
    *,
    link: Path | None,
    tcp: int | None,
    seed: int,
    faults: Path | None,
    log: Path | None,
) -> int:
    from hardware.fault_script import Fault
    from hardware.sim.serve import ServedCuff, open_end, serve

    if driver in ON_TCP:
        tcp = tcp or 0
        if link is not None:
            raise UsageInvalid(
                f"{driver} is a server on a TCP port: a pty would not do",
                where="--link",
                do="leave --link out, or choose the port with --tcp",
            )
    script: tuple[Fault, ...] = ()
    if faults is not None:
        from scc_task.protocol.load import load_faults  # not for those who need no script

        script = load_faults(faults).model.as_faults()
    with _log(log) as file:
        serve(
            ServedCuff(DEVICES[driver], seed=seed, faults=script, log=file),
            open_end(link=link, tcp_port=tcp, modem_lines=driver in ON_MODEM_LINES),
            announce=lambda line: typer.echo(line),
        )
    return ExitCode.DONE


@app.command("scanner")
def emulate_scanner(
    link: LinkOption = None,
    tcp: TcpOption = None,
    tr: Annotated[float, typer.Option("--tr", min=0.01, help="repetition time in seconds")] = 1.0,
    count: Annotated[int, typer.Option("--count", min=1, help="pulses to send")] = 100,
    silent: Annotated[int, typer.Option("--silent", min=0, help="dummies without a pulse")] = 0,
    delay: Annotated[float, typer.Option("--delay", min=0.0, help="seconds from start")] = 2.0,
    byte: Annotated[str, typer.Option("--byte", help="what a pulse sends")] = "5",
    log: LogOption = None,
) -> int:
    """Serve a trigger box: one byte for each pulse, from the line "start" on standard input on."""
    from hardware.sim.scanner import PulseTrain
    from hardware.sim.serve import ServedScanner, open_end, serve

    with _log(log) as file:
        scanner = ServedScanner(
            PulseTrain(start_s=delay, tr_s=tr, count=count, silent=silent),
            byte=byte.encode("ascii", "replace")[:1],
            log=file,
        )
        end = open_end(link=link, tcp_port=tcp)
        serve(scanner, end, announce=lambda line: typer.echo(line), on_start=scanner.start)
    return ExitCode.DONE
