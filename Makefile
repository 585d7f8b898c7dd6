# Each target does its own set-up; nothing needs to be running.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCUMENTS ?=
FAULTS ?=
SIGNING := tests/signatures tests/transports tests/commands/test_signing.py tests/commands/test_certs.py

.PHONY: setup demo test test-fallback check bench bench-signatures coverage picture campaign format

$(VENV)/.ready: pyproject.toml requirements.lock docker/system-packages.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@sh docker/system-packages.sh
	@touch $@

setup: $(VENV)/.ready ## .venv with mse-gateway in it, and the system packages for GOST

demo: setup ## gateway and sandbox in one process: every bundled document to its outcome
	@$(BIN)/mse-gateway demo $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(if $(FAULTS),--faults $(FAULTS))

test: setup
	$(BIN)/python -m pytest --numprocesses auto

test-fallback: setup ## all that signs, with the GOST engine hidden: GnuTLS must do
	OPENSSL_ENGINES=/nonexistent $(BIN)/python -m pytest --numprocesses auto \
		tests/signatures tests/sandbox tests/journeys tests/flow/test_signature.py

check: setup ## what every commit passes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

bench: setup ## lives of exchanges through the ledger on this disk
	$(BIN)/python -m tests.bench.ledger

bench-signatures: setup ## signatures beside the primitive and beside signxml, xmlsec, gostcrypto
	@$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/peers --upgrade \
		xmlsec==1.3.17 gostcrypto==1.2.5
	@$(BIN)/python -m tests.bench.signatures

campaign: setup ## the long fault campaign: 500 documents, 40 random kills, every place once
	CAMPAIGN_DOCUMENTS=$(or $(DOCUMENTS),500) CAMPAIGN_KILLS=$(or $(KILLS),40) \
		CAMPAIGN_REPORT=campaign.json $(BIN)/python -m pytest tests/campaign -s
	@cat campaign.json

coverage: setup ## every branch of the exchange and of the signatures is walked by their own tests
	$(BIN)/python -m pytest tests/exchange --cov=gateway.exchange --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100
	$(BIN)/python -m pytest --numprocesses auto $(SIGNING) --cov=gateway.signatures --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100

picture: setup ## the order of steps in README.md, drawn anew from the table
	@$(BIN)/python -c "from pathlib import Path; from gateway.exchange.picture import redraw; \
		p = Path('README.md'); p.write_text(redraw(p.read_text('utf-8')), 'utf-8')"

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
