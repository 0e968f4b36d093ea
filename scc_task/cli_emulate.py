"""The command ``emulate``: serve an emulated device on a port, for the task or for anybody."""

import contextlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Annotated

import typer

from hardware.sim.devices import DEVICES, ON_MODEM_LINES, ON_TCP, maker_of
from scc_task.cli_emulate_scanner import add_to
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


BinaryOption = Annotated[
    Path | None,
    typer.Option("--binary", help="run this firmware (ELF) on a simulated chip instead"),
]


def _add_reference(title: str) -> None:
    """Add the command of the reference controller, which exists twice: in Python, and as firmware."""

    @app.command("reference", help=f"{title} Ends when its standard input ends.")
    def emulate_reference(
        link: LinkOption = None,
        tcp: TcpOption = None,
        seed: SeedOption = 0,
        faults: FaultsOption = None,
        log: LogOption = None,
        binary: BinaryOption = None,
    ) -> int:
        return _serve_cuff(
            "reference", link=link, tcp=tcp, seed=seed, faults=faults, log=log, binary=binary
        )


for _driver, _make in DEVICES.items():
    _title = (_make.__doc__ or f"Serve the device {_driver}.").splitlines()[0]
    if _driver == "reference":
        _add_reference(_title)
    else:
        _add_cuff(_driver, _title)


def _serve_cuff(
    driver: str,
    *,
    link: Path | None,
    tcp: int | None,
    seed: int,
    faults: Path | None,
    log: Path | None,
    binary: Path | None = None,
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
            ServedCuff(
                maker_of(driver, binary=binary, seed=seed), seed=seed, faults=script, log=file
            ),
            open_end(link=link, tcp_port=tcp, modem_lines=driver in ON_MODEM_LINES),
            announce=lambda line: typer.echo(line),
        )
    return ExitCode.DONE


add_to(app, _log)


@app.command("buttons")
def emulate_buttons(
    link: LinkOption = None,
    tcp: TcpOption = None,
    release: Annotated[
        list[str] | None,
        typer.Option("--release", help="e.g. 1=A: A is sent when the button 1 is let go"),
    ] = None,
    repeat_hz: Annotated[
        float, typer.Option("--repeat-hz", min=0.0, help="a held button is sent again; 0: never")
    ] = 0.0,
    bounces: Annotated[int, typer.Option("--bounces", min=0, help="chatter of each press")] = 0,
    latency_ms: Annotated[
        float,
        typer.Option("--latency-ms", min=0.0, max=255.0, help="timer of its USB adapter; FTDI: 16"),
    ] = 0.0,
    seed: SeedOption = 0,
    log: LogOption = None,
) -> int:
    """Serve a button box: "down 1", "up 1" and "tap 1" on standard input move a finger."""
    from hardware.sim.adapter import SlowAdapter
    from hardware.sim.buttons import EmulatedButtons
    from hardware.sim.serve import open_end, serve

    pairs = [pair.split("=") for pair in release or ()]
    if any(len(pair) != 2 or len(pair[0]) != 1 or len(pair[1]) != 1 for pair in pairs):
        raise UsageInvalid(
            "a release is two characters with '=' between them",
            where="--release",
            do="write e.g. --release 1=A, once for each button",
        )
    with _log(log) as file:
        box = EmulatedButtons(
            release={press: after for press, after in pairs},
            repeat_s=1 / repeat_hz if repeat_hz else None,
            bounces=bounces,
            seed=seed,
            log=file,
        )
        end = open_end(link=link, tcp_port=tcp)
        served = SlowAdapter(box, timer_s=latency_ms / 1000) if latency_ms else box
        serve(served, end, announce=lambda line: typer.echo(line), on_line=box.order)
    return ExitCode.DONE


@app.command("recorder")
def emulate_recorder(
    link: LinkOption = None,
    tcp: TcpOption = None,
    lines: Annotated[
        bool,
        typer.Option("--lines", help="hang on RTS and DTR (RFC 2217) and see pulses, not codes"),
    ] = False,
    log: LogOption = None,
) -> int:
    """Serve a physiology recorder: every code that comes, with its time and width, into the log."""
    from hardware.sim.recorder import EmulatedRecorder
    from hardware.sim.serve import open_end, serve

    with _log(log) as file:
        end = open_end(link=link, tcp_port=tcp, modem_lines=lines)
        serve(EmulatedRecorder(file, on_a_line=lines), end, announce=lambda line: typer.echo(line))
    return ExitCode.DONE
