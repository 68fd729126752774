# Two commands: `make demo` and `make test`. Both need only Python >= 3.11, make and a package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-browser browser-tools docs lint clean

demo: $(VENV)/installed
	$(BIN)/mirscan scan --mirnas examples/mirnas.fa --utrs examples/utrs.fa.gz --out demo-out --overwrite
	$(BIN)/mirscan scan --mirnas examples/fly_mirnas.fa --genome examples/fly.fa.gz --annotation examples/fly.gtf.gz --region 3utr --format igv --out demo-fly --overwrite
	@echo "To see the fly's sites beside its genes: open demo-fly/igv_session.xml in IGV, and go to chr2L:475,700-476,200"

# Each test keeps to a core, so that several at once take a fraction of the time.
test: lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

# The HTML report, and runs in igv.js (npm), in headless Chromium: the one on PATH, or MIRSCAN_CHROMIUM; and runs by bedtools and tabix.
test-browser: browser-tools
	$(BIN)/python -m pytest tests/browser

browser-tools: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	npm --prefix tests/browser ci --no-audit --no-fund --silent

docs: $(VENV)/installed-dev
	$(BIN)/python -m mkdocs build --strict

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(f"mirscan needs Python 3.11 to 3.13, {sys.executable} is {sys.version.split()[0]}; try make PYTHON=python3.12" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) demo-out demo-fly site
