"""The interlock's page in the docs is written from its tables."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_says_what_the_tables_say() -> None:
    spec = importlib.util.spec_from_file_location("doc", ROOT / "tools" / "interlock_doc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "interlock.md").read_text(encoding="utf-8")
    assert page == module.page(), "write it anew: .venv/bin/python tools/interlock_doc.py"
