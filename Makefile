# Two commands matter: `make run` opens the app, `make test` checks everything.
# Both set up what they need (a .venv, dependencies, where needed the browser).

PYTHON ?= python3
# Who can see the app: this machine only; 0.0.0.0 opens it to the network of a lecture room.
ADDRESS ?= localhost
# Streamlit looks there for settings; a user of a container may have none.
export HOME ?= $(CURDIR)
BIN := .venv/bin
SCRIPTS := 'simcore/**/*.js' 'pages/*.js'

.PHONY: run test lint format bench browser poppler docs pocket

run: .venv/run.stamp
	$(BIN)/streamlit run app.py --server.address=$(ADDRESS)

# One more than the cores of CI: tests in a browser wait a good part of their time. Kernels are
# compiled and tests are read once, before all workers need them; what Python makes of a source is
# kept, or each of the hundred processes that tests start would make it again.
test: lint browser poppler
	@cd tests; unset PYTHONDONTWRITEBYTECODE; \
	for engines in "'modes'" "'matrices', 'samples'"; do PYTHONPATH=.. ../$(BIN)/python -c \
	  "import test_kernels; test_kernels.exercise($$engines)" & done; \
	../$(BIN)/pytest -q --collect-only >/dev/null & wait
	unset PYTHONDONTWRITEBYTECODE; $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/oxfmt --check $(SCRIPTS)
	$(BIN)/oxlint --deny-warnings simcore pages

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/oxfmt $(SCRIPTS)
	$(BIN)/oxlint --fix simcore pages

bench: .venv-bench/bench.stamp
	.venv-bench/bin/python benchmarks/run.py

docs: .venv/dev.stamp
	$(BIN)/python .ci/docs.py build/docs
	@echo "the reference is in build/docs/index.html"

# The paper's three runs, a file each: they play and follow the step size without a server.
pocket: .venv/run.stamp
	mkdir -p build/pocket
	for run in small medium large; do \
	  $(BIN)/python -m simcore page $$run --out build/pocket/$$run.html || exit 1; done
	@echo "open build/pocket/medium.html in a browser"

# Debian's chromium-headless-shell is the same browser without the windows that nobody sees.
browser:
	@command -v chromium-headless-shell >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq \
	       && { apt-get install -y -qq chromium-headless-shell 2>/dev/null \
	            || command -v chromium >/dev/null || apt-get install -y -qq chromium; }; } \
	  || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || command -v google-chrome >/dev/null \
	  || echo "no Chromium found: browser tests will be skipped (fail in CI); install chromium to run them"

poppler:
	@command -v pdftotext >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	       && apt-get update -qq && apt-get install -y -qq poppler-utils; } \
	  || echo "no poppler found: tests of PDF will be skipped (fail in CI); install poppler-utils to run them"

.venv/run.stamp: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

.venv/dev.stamp: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	touch $@

.venv-bench/bench.stamp: benchmarks/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q -r benchmarks/requirements.txt
	touch $@
