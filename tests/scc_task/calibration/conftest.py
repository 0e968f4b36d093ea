"""What the tests of calibrations share."""

from pathlib import Path

import pytest
from resumed import go

from scc_task.errors import ExitCode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset with one calibration, carried out to its end."""
    data = tmp_path_factory.mktemp("whole")
    assert go(data) == ExitCode.DONE
    return data
