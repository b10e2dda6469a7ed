# Everything a person runs here. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: setup run test check soak bench help

BIN := .venv/bin
# Each of the dozen processes of the service and of its tests would read and compile all the code anew.
unexport PYTHONDONTWRITEBYTECODE
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard bank/web/translations/*/LC_MESSAGES/messages.po))

setup: .venv/ready-dev $(CATALOGUES) ## Make the virtual environment in .venv, for the service and its tests
	@:

run: .venv/ready-run $(CATALOGUES) ## Start the service on http://127.0.0.1:8000, with demo data the first time
	@set -a; if [ -f .env ]; then . ./.env; fi; exec $(BIN)/banque serve

test: setup ## Run every test, on SQLite and PostgreSQL, with a real queue and a real browser
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: setup ## Format, lint, types, import contracts, migrations that match the models
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/banque migrate --check

soak: setup ## Run the long proofs, whose small sizes are in `make test`
	$(BIN)/pytest -m soak --timeout 3600 $(ARGS)

bench: setup ## Measure the service, each figure beside its raw limit
	$(BIN)/python -m bench $(ARGS)

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The service starts without the tools of its tests, so that a first `make run` is short.
.venv/ready-run: pyproject.toml constraints.txt setup.sh
	@./setup.sh run

.venv/ready-dev: pyproject.toml constraints.txt setup.sh
	@./setup.sh dev

%.mo: %.po | .venv/ready-run
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
