# Everything runs in .venv; nothing needs root or a system ffmpeg.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

.PHONY: demo test exhaustive lint bench fuzz fixtures clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,demo]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev]'
	@touch $@

## make a clip with burned-in captions and clean it, offline
demo: $(VENV)/demo.stamp
	$(BIN)/python -m fixtures.demo fixtures/out/demo.mp4
	$(BIN)/preflight run fixtures/out/demo.mp4 -o $(DEMO) --language en --service local

## all checks and all tests
test: lint
	$(BIN)/python -m pytest -m "not exhaustive"

## long proofs: every fault and kill scenario
exhaustive: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m exhaustive --timeout 1800

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## every figure, as ratios against named peers
bench: $(VENV)/dev.stamp
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

## hours of mutated files, until interrupted
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m fixtures.fuzz

fixtures: $(VENV)/dev.stamp
	$(BIN)/python -m fixtures.demo fixtures/out/demo.mp4

clean:
	rm -rf $(DEMO) fixtures/out build dist .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache
