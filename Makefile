# What people and CI call; `make` alone explains it. Everything works from a fresh clone with Python >= 3.11, make and git.

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
UV    := .cache/uv/bin/uv
ARGS  ?=

# The first Python that is new enough; `make install PYTHON=/path/to/python` chooses another.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; print("$(name)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))

# One gateway, one upstream and one go command a worker: many tests wait for a clock, so that twice as many as there are
# cores find room; more than six only wait for each other.
JOBS   := $(shell jobs=$$(( $$(nproc 2>/dev/null || echo 2) * 2 )); echo $$(( jobs < 6 ? jobs : 6 )))
PYTEST := $(BIN)/pytest -n $(JOBS) --dist loadgroup

COMPILE := pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	--no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help install serve test check format real conformance soak bench bench-full lock reference clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## a .venv in this checkout, with .venv/bin/modgate, from the hash-locked requirements

# Once for each change of the lock or of the project file; the stamp is the last thing written.
$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: modgate needs Python 3.11 or newer; name one: make install PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

serve: $(STAMP) ## run the gateway; ARGS="--listen 127.0.0.1:9000" passes flags on
	@exec $(BIN)/modgate serve $(ARGS)

# All parts run even if one fails; the checks need one core for half a minute, beside the script tests, which do not need
# both. Pytest comes last, so that its closing line does.
test: $(STAMP) ## all checks, the go toolchain's short script tests, and every test that is not soak
	@mkdir -p .cache; status=0; \
	{ $(MAKE) --no-print-directory check >.cache/check.log 2>&1; echo $$? >.cache/check.status; } & \
	$(BIN)/python tests/conformance/run.py --short || status=1; \
	wait; cat .cache/check.log; [ "$$(cat .cache/check.status)" = 0 ] || status=1; \
	$(PYTEST) $(ARGS) || status=1; \
	exit $$status

check: $(STAMP) ## lint, format, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## format the code as `check` wants it
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

real: $(STAMP) ## only the tests that build real programs from the public Go mirror
	$(PYTEST) -m "real and not soak" $(ARGS)

conformance: $(STAMP) ## the go toolchain's own script tests through modgate, all of them
	$(BIN)/python tests/conformance/run.py $(ARGS)
	$(BIN)/python tests/conformance/run.py --direct $(ARGS)

soak: $(STAMP) ## what takes long
	$(BIN)/pytest -m soak $(ARGS)

bench: $(STAMP) ## how fast, against nginx serving the same tree and the servers of BENCH_PEERS; six minutes
	@.ci/packages nginx wrk valgrind
	$(BIN)/python -m benchmarks $(ARGS)

# Plots and oha are for the full run only: they take minutes to install.
bench-full: $(VENV)/.bench $(STAMP) ## the same with more rounds, a million versions, a second load generator and plots
	@.ci/packages nginx wrk valgrind
	@[ -x .cache/oha/bin/oha ] || ! command -v cargo >/dev/null || \
		cargo install --quiet --locked --root .cache/oha oha@1.16.0 || echo "bench: oha cannot be installed; going on without"
	$(BIN)/python -m benchmarks --full --write docs/performance.md $(ARGS)

$(VENV)/.bench: requirements/bench.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

reference: $(STAMP) ## write docs/reference/settings.md again from the model
	$(BIN)/python -m modgate.settings.reference > docs/reference/settings.md.new
	mv docs/reference/settings.md.new docs/reference/settings.md

lock: $(UV) ## choose versions anew and write requirements/*.txt with their hashes
	$(UV) $(COMPILE) --upgrade -o requirements/run.txt
	$(UV) $(COMPILE) --upgrade --extra dev -o requirements/dev.txt
	$(UV) $(subst pyproject.toml,requirements/bench.in,$(COMPILE)) --upgrade --constraint requirements/dev.txt \
		-o requirements/bench.txt

$(UV):
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.8

clean: ## remove the .venv and every cache
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
