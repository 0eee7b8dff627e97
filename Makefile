# Everything is set up in .venv/ on first use, and again only when requirements/ changed.
# PYTHON=/path/to/python3.13 chooses the interpreter, ARGS="-k feed" goes to pytest.

VENV := .venv
BIN := $(VENV)/bin
CATALOGUES := $(wildcard fablab/translations/*/LC_MESSAGES/messages.po)
COMPILED := $(CATALOGUES:.po=.mo)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help setup run test readers screenshots check format bench translations lock clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | while IFS='	' read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

setup: $(VENV)/.app $(COMPILED) ## install what the service needs into .venv, and nothing else

run: $(VENV)/.app $(COMPILED) ## serve the demonstration place on http://127.0.0.1:5000 (PORT=8080 for another port)
	@$(if $(PORT),FABLAB_PORT=$(PORT)) exec $(BIN)/fablab serve --demo

test: $(VENV)/.dev $(COMPILED) ## run every test (ARGS="-k feed" for some)
	@$(BIN)/python -m pytest -q -n auto --dist worksteal $(ARGS)

readers: $(VENV)/.dev $(COMPILED) ## have the calendars read by programs of others, all of which must be there
	@CI=true $(BIN)/python -m pytest -q -n auto tests/calendars/test_readers.py $(ARGS)

screenshots: $(VENV)/.dev $(COMPILED) ## draw every page, on a desk and a phone, light and dark, into screenshots/
	@$(BIN)/python tools/screenshots.py $(ARGS)

check: $(VENV)/.dev $(COMPILED) ## lint, format, types, import order, templates, style sheet, translations
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/djlint --quiet --lint templates
	@$(BIN)/python tools/check_templates.py
	@$(BIN)/python tools/bundle_css.py --check
	@$(BIN)/python tools/translations.py --check
	@$(BIN)/python tools/house_rules.py --check

format: $(VENV)/.dev ## write code and style sheet the way `make check` wants them
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python tools/bundle_css.py

bench: $(VENV)/.dev $(COMPILED) ## measure the budgets
	@status=0; for each in budgets report feeds serving power_cut one_slot; do echo "== $$each"; $(BIN)/python -m benchmarks.$$each || status=1; done; exit $$status

translations: $(VENV)/.dev ## bring the catalogues, and docs/rules.md, in step with the code
	@$(BIN)/python tools/translations.py
	@$(BIN)/python tools/house_rules.py

lock: ## pin the dependencies of pyproject.toml anew (needs uv; `make lock ARGS=--upgrade` for newer ones)
	@$(LOCK) pyproject.toml --extra setup $(ARGS) -o requirements/app.txt
	@$(LOCK) pyproject.toml --extra setup --extra dev -c requirements/app.txt $(ARGS) -o requirements/dev.txt

clean: ## forget what was set up; the data in instance/ stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info $(COMPILED)

$(VENV)/.made:
	@tools/make_venv $(VENV)
	@touch $@

$(VENV)/.app: $(VENV)/.made requirements/app.txt pyproject.toml
	@echo "Installing what the service needs…"
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements/app.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements/dev.txt
	@echo "Installing what the tests and the tools need…"
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements/dev.txt
	@touch $@

%.mo: %.po | $(VENV)/.app
	@$(BIN)/pybabel --quiet compile -i $< -o $@
