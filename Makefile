# Everything is installed in .venv, except Debian packages, which only root installs (see `services`).

PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
SPHINX_BUILD := $(BIN)/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going --fresh-env
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Programs that the tests start and no wheel contains. tests/services/install provides those that are no Debian packages.
DEBIAN_PACKAGES := chromium fonts-dejavu-core jq libcairo2 maven openssl systemd
# What `make test-peers` needs besides: readers of what we write, and what tests/peers/install needs.
PEER_PACKAGES = maven nodejs openjdk-17-jdk-headless r-base-core r-cran-igraph $(if $(shell command -v npm),,npm)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo install services test test-peers check docs chaos bench screenshots sigma pins clean

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## crawl a bundled follower graph, summarize and draw it: no key, no server
	@$(BIN)/twittomatic demo

install: $(VENV)/.installed-dev ## install the package and the development tools into .venv
	@:

test: export PYTHONDONTWRITEBYTECODE := # otherwise hundreds of processes compile the same source again
test: install services ## run the tests (ARGS="-k lease" to choose)
	@$(BIN)/pytest --numprocesses 4 --dist worksteal $(ARGS) # four on two cores: a third of their time is waiting

test-peers: install ## run the tests with heavy peers: Spark, Gephi, R, graphology
	@$(call debian_install,$(PEER_PACKAGES))
	@tests/peers/install
	@$(BIN)/pytest --numprocesses 2 --dist loadfile -m peers tests/peers $(ARGS)

check: install ## check style, types, import rules and documentation
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary tests/unit/api/example.py
	@MYPYPATH=src:tests:tests/services $(BIN)/mypy --no-error-summary --explicit-package-bases --follow-imports silent \
	  --package support
	@MYPYPATH=src:benchmarks:tests/services:tests/faults $(BIN)/mypy --no-error-summary --explicit-package-bases \
	  --ignore-missing-imports --follow-imports silent --disable-error-code no-any-return \
	  --disable-error-code misc --disable-error-code unused-ignore benchmarks/*.py # no test exercises these calls
	@report=$$($(BIN)/lint-imports --no-logo) || { echo "$$report"; exit 1; }
	@$(SPHINX_BUILD) --builder dummy docs build/docs-check # finds broken links and undocumented names

docs: install ## build the documentation site in build/docs
	@$(SPHINX_BUILD) --builder html docs build/docs
	@echo "Open build/docs/index.html in a browser."

chaos: install ## attack hundreds of crawls at random (ARGS="--trials 20 --first 7" to choose)
	@PYTHONPATH=tests:tests/services $(BIN)/python tests/faults/chaos.py $(ARGS)
	@$(BIN)/pytest -m long

bench: DEBIAN_PACKAGES := nginx wrk maven # they serve and request pages faster than any of the contenders
bench: install services ## run every script in benchmarks/
	@for script in $(filter-out benchmarks/harness.py benchmarks/processes.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

screenshots: DEBIAN_PACKAGES += fonts-lohit-deva fonts-noto-color-emoji fonts-wqy-microhei # names come in all scripts of the world
screenshots: install services ## redraw the pictures of the monitor in docs/
	@PYTHONPATH=benchmarks $(BIN)/python docs/screenshots/draw.py

SIGMA := sigma@3.0.3 graphology@0.26.0 graphology-types@0.24.8 graphology-utils@2.5.2 events@3.3.0
sigma: bundle := $(CURDIR)/src/twittomatic/dataset/picture/static/sigma
sigma: ## bundle the libraries that draw pictures in a browser; the bundle is kept in the package
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && cd "$$scratch" && \
	npm install --silent --no-audit --no-fund $(SIGMA) esbuild@0.28.2 && \
	echo 'export { DirectedGraph } from "graphology"; export { default as Sigma } from "sigma";' > bundle.js && \
	npx esbuild bundle.js --bundle --minify --format=iife --global-name=vendor --target=es2020 --log-level=warning \
	  --banner:js="/* $(SIGMA): see sigma.LICENSES.txt */" --outfile="$(bundle).min.js" && \
	for package in $(SIGMA); do echo "== $$package"; echo; cat node_modules/$${package%@*}/LICENSE*; echo; done \
	  > "$(bundle).LICENSES.txt"

pins: ## renew constraints.txt: the newest versions that fit together
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(OLDEST_PYTHON) -m venv "$$scratch/venv" && \
	"$$scratch/venv/bin/pip" install --quiet --disable-pip-version-check '.[dev,spark]' && \
	"$$scratch/venv/bin/pip" freeze --exclude twittomatic > "$$scratch/pins" && \
	grep '^#' constraints.txt > "$$scratch/constraints" && \
	LC_ALL=C sort -f "$$scratch/pins" >> "$$scratch/constraints" && \
	cp "$$scratch/constraints" constraints.txt

clean: ## remove everything that make created; datasets, their state and logs stay
	@rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- how it works

# $(call apt_install,PACKAGES): silent unless it fails; fails for anyone but root.
apt_install = { \
  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing $(1) ..." && { \
    said=$$(export DEBIAN_FRONTEND=noninteractive; \
      { apt-get -qq update; apt-get -qq install -y --no-install-recommends $(1); } 2>&1) || \
    { echo "$$said" >&2; false; }; }; }

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Twittomatic needs Python 3.11 or newer, and '$(PYTHON)' is not; name one: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  package=python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv; \
	  $(call apt_install,$$package) && $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make virtual environments; install $$package and try again." >&2; \
	    exit 1; }; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing Twittomatic into $(VENV) ..."
	@$(PIP_INSTALL) --constraint constraints.txt --editable '.[picture]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing Twittomatic and the development tools into $(VENV) ..."
	@$(PIP_INSTALL) --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@

# $(call debian_install,PACKAGES): those that are missing. Without permission, the tests that need them skip and say so.
debian_install = missing=; for package in $(1); do \
    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$${missing:+$$missing }$$package"; \
  done; \
  [ -z "$$missing" ] || $(call apt_install,$$missing) || echo "Not installed: $$missing; some tests will skip." >&2

services: install
	@$(call debian_install,$(DEBIAN_PACKAGES))
	@[ ! -x tests/services/install ] || tests/services/install
