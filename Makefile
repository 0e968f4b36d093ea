# make demo    a short run on the simulated rig, in a real window (a virtual one where there is none)
# make test    all tests
# make lint    ruff, mypy, import-linter
# make firmware   the reference controller's firmware, and the simulated chip its tests run on
# Each does the set-up it needs, once. On Windows there is no make: see README.md.

PYTHON ?=
export PYTHON

PY := .venv/bin/python

.PHONY: help setup demo test firmware lint screenshots clean pristine

help:
	@sed -n 's/^# //p' Makefile

setup:
	@tools/setup.sh

demo:
	@tools/setup.sh
	@tools/with_display.sh $(PY) run_task.py run protocols/demo.yaml \
		--subject 01 --session pre --run next --data data

test:
	@tools/setup.sh test
	@! command -v avr-gcc >/dev/null || $(MAKE) --no-print-directory firmware || true  # its tests say why
	.venv/bin/pytest

# The reference controller's firmware, and the simulated chip that the tests run it on.
firmware:
	@$(MAKE) --no-print-directory -C hardware/firmware
	@$(MAKE) --no-print-directory -C hardware/firmware/simavr

lint:
	@tools/setup.sh
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# Always on a virtual display: the pictures must not depend on whose screen they were made on.
screenshots:
	@tools/setup.sh test
	@DISPLAY= tools/with_display.sh $(PY) tools/screenshots.py protocols/scc.yaml docs/screens
	@DISPLAY= tools/with_display.sh $(PY) tools/screenshots.py protocols/scc_neutral.yaml docs/screens
	@DISPLAY= tools/with_display.sh $(PY) tools/screenshots.py protocols/practice.yaml docs/screens
	@DISPLAY= tools/with_display.sh $(PY) tools/screenshots.py protocols/calibration.yaml docs/screens
	@DISPLAY= tools/with_display.sh $(PY) tools/screenshots.py protocols/continuous.yaml docs/screens

clean:
	rm -rf .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find hardware scc_task tests -name __pycache__ -prune -exec rm -rf {} +

# Also the virtual environment. Data are never removed.
pristine: clean
	rm -rf .venv
