"""Where the shipped and the broken files are, and short cuts to a plan."""

from pathlib import Path

from hardware.limits import Limits
from scc_task.plan.compile import Resolve, compile_plan
from scc_task.plan.steps import Plan, ResolvedPressure
from scc_task.protocol.check import check_protocol

ROOT = Path(__file__).resolve().parents[2]
PROTOCOLS = ROOT / "protocols"
RIGS = ROOT / "rigs"
BROKEN = Path(__file__).resolve().parent / "broken"


def at(mmhg: float) -> Resolve:
    """Return a participant for whom every rating is the same pressure."""
    return lambda name, rating: ResolvedPressure(name=name, mmhg=mmhg, rating=rating, source="test")


def plan_of(
    name: str = "scc", *, seed: int = 7, mmhg: float = 140.0, limits: Limits | None = None
) -> Plan:
    """Return the plan of a shipped protocol."""
    checked = check_protocol(PROTOCOLS / f"{name}.yaml")
    return compile_plan(
        checked.protocol.model,
        checked.texts.model,
        limits=limits or checked.limits,
        seed=seed,
        resolve=at(mmhg),
    )


def protocol_with(folder: Path, run: str, *, head: str = "", volumes: int = 3000) -> Path:
    """Write a protocol with a run of our own, with texts beside it, and return its path."""
    (folder / "text").mkdir(exist_ok=True)
    (folder / "text" / "en.yaml").write_bytes((BROKEN / "text" / "en.yaml").read_bytes())
    path = folder / "made.yaml"
    path.write_text(
        "version: 1\nname: made\ntask: made\nstrategy: none\nlanguage: en\n"
        + (head if "scanner:" in head else f"scanner: {{tr_s: 1.0, volumes: {volumes}}}\n{head}")
        + "pressures: {pain: {mmhg: 120}}\ncues: {coming: {shape: star, color: red}}\n"
        + run,
        encoding="utf-8",
    )
    return path
