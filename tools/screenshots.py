"""Write a picture of every screen of a protocol: ``screenshots.py PROTOCOL FOLDER``.

Of a calibration protocol: what comes before the first inflation, and what the participant sees then.

The pictures are made by the participant's own window, at 1024 x 768, before the flip.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run from the checkout, not installed

from hardware.clock import RealClock  # noqa: E402
from hardware.limits import Limits  # noqa: E402
from scc_task.plan.compile import compile_plan, unresolved  # noqa: E402
from scc_task.plan.steps import Plan, StepKind  # noqa: E402
from scc_task.prepare_calibration import CalibrationRequest, prepare_calibration  # noqa: E402
from scc_task.present.window import PsychoPyScreen  # noqa: E402
from scc_task.protocol.load import load_protocol, load_texts, text_file  # noqa: E402


def picture_all(screen: PsychoPyScreen, plan: Plan, folder: Path) -> list[Path]:
    """Write one PNG for every different screen of a plan; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []

    def save(name: str) -> None:
        files.append(folder / f"{name}.png")
        screen.save_picture(files[-1])
        screen.flip()

    screen.prepare(plan)
    for key, _ in plan.texts:
        screen.draw_message(key)
        save(f"text-{key}")
    seen: set[str] = set()
    for step in plan.steps:
        name = f"{step.kind}-{step.cue or step.scale}" if step.cue or step.scale else step.kind
        if step.kind is StepKind.SHOW or name in seen:
            continue
        seen.add(name)
        screen.draw_step(step)
        save(name)
        if step.scale is not None:
            scale = plan.scale(step.scale)
            between = scale.lowest + round(0.63 * (scale.highest - scale.lowest))
            rates = step.kind is StepKind.RATE  # otherwise the marker is never confirmed
            for position, confirmed in (
                (scale.lowest, False),
                (scale.highest, False),
                (between, rates),
            ):
                screen.draw_rating(step, position=position, confirmed=confirmed)
                save(f"{name}-{position}{'-confirmed' if confirmed else ''}")
    return files


def plan_of(protocol_file: Path) -> Plan:
    """Return the plan of a protocol, or of a calibration as far as it is known."""
    if protocol_file.name.startswith("calibration"):
        with tempfile.TemporaryDirectory() as data:
            request = CalibrationRequest(
                protocol=protocol_file,
                rig=ROOT / "rigs" / "simulated.yaml",
                subject="01",
                session="pre",
                data=Path(data),
                seed=1,
            )
            return prepare_calibration(request).run.plan
    protocol = load_protocol(protocol_file).model
    texts = load_texts(text_file(protocol_file, protocol.language)).model
    return compile_plan(protocol, texts, limits=Limits(), seed=1, resolve=unresolved)


def main(protocol_file: Path, folder: Path) -> None:
    """Compile the protocol, open the window, write the pictures."""
    plan = plan_of(protocol_file)
    screen = PsychoPyScreen(number=0, fullscreen=False, size_px=(1024, 768), clock=RealClock())
    try:
        files = picture_all(screen, plan, folder)
    finally:
        screen.close()
    sys.stdout.write(f"{len(files)} pictures in {folder}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
