"""The firmware's numbers are the table's."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_firmwares_header_says_what_the_table_says() -> None:
    spec = importlib.util.spec_from_file_location("header", ROOT / "tools" / "firmware_header.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    header = module.HEADER.read_text(encoding="utf-8")
    assert header == module.header(), "write it anew: .venv/bin/python tools/firmware_header.py"
