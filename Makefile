# Every target makes the set-up it needs, in .venv; nothing has to be run first.
.PHONY: help setup run test bench lint format lock migrations messages clean

BIN := .venv/bin
PORT ?= 8000

help:
	@echo "make run         start the portal with demo data on http://127.0.0.1:$(PORT) (PORT=9000 changes it)"
	@echo "make test        the whole suite on all processors, browser included (ARGS='-k name' narrows it)"
	@echo "make lint        ruff, mypy and the import contracts"
	@echo "make bench       measure clicks, orders, import and pages (ARGS=clicks narrows it)"
	@echo "make setup       only make the environment"
	@echo "make lock        pin the requirements again after a change in pyproject.toml"
	@echo "make migrations  write the migration of one slice (SLICE=partners DESC='what it is for')"
	@echo "make messages    collect and compile the translations"
	@echo "make clean       remove the environment and caches; var/ with the data stays"

setup:
	@.ci/setup dev

run:
	@.ci/setup run
	@exec env PORT=$(PORT) $(BIN)/tandem demo

test:
	@.ci/setup dev
	@TANDEM_BROWSER="$$($(BIN)/python tests/browser/find_browser.py)" && export TANDEM_BROWSER && \
		$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

bench:
	@.ci/setup bench
	@$(BIN)/python -m tests.bench $(ARGS)

lint:
	@.ci/setup dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format:
	@.ci/setup dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# One resolution for all three lists: each is a constraint of the next.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-strip-extras
lock:
	@.ci/setup dev
	@$(LOCK) pyproject.toml --group pyproject.toml:build -o requirements.txt
	@$(LOCK) pyproject.toml --group pyproject.toml:build --group pyproject.toml:dev -c requirements.txt -o requirements-dev.txt
	@$(LOCK) --group pyproject.toml:bench -c requirements-dev.txt -o requirements-bench.txt
	@.ci/setup dev

migrations:
	@.ci/setup dev
	@test -n "$(SLICE)" && test -n "$(DESC)" || { echo "say SLICE=... and DESC='...'"; exit 2; }
	@$(BIN)/piccolo migrations new $(SLICE) --auto --desc="$(DESC)"

messages:
	@.ci/setup dev
	@$(BIN)/pybabel extract --no-location --sort-output -F app/locale/babel.cfg -o app/locale/messages.pot . 
	@$(BIN)/pybabel update --no-fuzzy-matching -i app/locale/messages.pot -d app/locale
	@$(BIN)/pybabel compile -d app/locale

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
