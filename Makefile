# Everything a developer or CI runs; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS_launcher :=
EXTRAS_worker := --extra server
EXTRAS_cuda := --extra server --extra cuda
EXTRAS_dev := --extra dev
# Rooms whose tests need no model, no training and no search for families.
QUICK := lcc $(addprefix tests/,config search storage launch backends cli jobs repo)
CLUSTER := lcc
CLUSTER_CONFIG := build/kubeconfig
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# kind cannot load an image with an attestation (kubernetes-sigs/kind#3795).
BUILD := BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build

.DEFAULT_GOAL := help
.PHONY: help env study check cluster cluster-down test test-fast test-cluster test-cluster-core manifests lint format types imports lock lock-check ci clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: $(BIN)/lcc-launch  ## Make the virtual environment from the locked requirements

$(BIN)/lcc-launch: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

study: env  ## Draw synthetic tiles and run the whole study on them
	$(BIN)/lcc-launch sample build/tiles
	$(BIN)/lcc-launch pipeline build/tiles --local --root build/study --settings examples/study.yaml

check: lint types imports  ## Find most faults in a minute, before a commit
	$(BIN)/python -m pytest --numprocesses 2 -m "not slow" $(QUICK)

test: env  ## Run every test with coverage
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term

test-fast: env  ## Run the tests that take less than five seconds each
	$(BIN)/python -m pytest --numprocesses 2 -m "not slow"

test-cluster: env  ## Run every test on the cluster that KUBECONFIG names
	$(BIN)/python -m pytest tests/cluster tests/chart -m cluster

test-cluster-core: env  ## Run those that show each command at work
	$(BIN)/python -m pytest tests/cluster -m "cluster and not extended"

cluster:  ## Bring up a cluster here, with both images (needs docker and kind)
	$(BUILD) --target launcher --tag lcc-launcher:$(VERSION) .
	$(BUILD) --target worker --tag lcc:$(VERSION) .
	kind get clusters | grep -qx $(CLUSTER) || kind create cluster --name $(CLUSTER) --kubeconfig $(CLUSTER_CONFIG) --wait 5m
	kind export kubeconfig --name $(CLUSTER) --kubeconfig $(CLUSTER_CONFIG)
	kind load docker-image --name $(CLUSTER) lcc-launcher:$(VERSION) lcc:$(VERSION)
	@echo 'next: export KUBECONFIG=$(CURDIR)/$(CLUSTER_CONFIG)'

cluster-down:  ## Remove that cluster and all that it holds
	kind delete cluster --name $(CLUSTER) --kubeconfig $(CLUSTER_CONFIG)

manifests: env  ## Print k8s/ from the chart and the launcher (needs helm)
	$(BIN)/python k8s/print.py

lint: env  ## Check style and spelling
	$(BIN)/ruff check . || (echo 'repair: make format' && false)
	$(BIN)/ruff format --check . || (echo 'repair: make format' && false)
	$(BIN)/codespell --check-hidden lcc jobs tests docs examples benchmarks charts .github *.md
	$(BIN)/yamllint --strict .
	$(BIN)/shellcheck .ci/run

format: env  ## Repair what the linter can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: env  ## Check types
	$(BIN)/mypy

imports: env  ## Check the direction of imports
	$(BIN)/lint-imports

lock: env  ## Write the locked requirements from pyproject.toml
	@for name in dev worker cuda launcher; do $(MAKE) --no-print-directory requirements/$$name.lock; done

requirements/%.lock:
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS_$*) --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet \
	  $(if $(filter-out dev,$*),--constraints requirements/dev.txt) \
	  --output-file $(or $(OUT),requirements/$*.txt)

lock-check: env  ## Check that the locked requirements are those of pyproject.toml
	@for name in dev worker cuda launcher; do \
	  cp requirements/$$name.txt $(VENV)/$$name.txt && \
	  $(MAKE) --no-print-directory requirements/$$name.lock OUT=$(VENV)/$$name.txt && \
	  diff -q requirements/$$name.txt $(VENV)/$$name.txt || (echo 'repair: make lock' && exit 1) || exit 1; \
	done

ci: lint types imports lock-check test  ## Run exactly what CI runs

clean:  ## Remove the study, caches and coverage files
	rm -rf build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
