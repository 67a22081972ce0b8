# `make demo` and `make test` set up all they need, below this folder and in the user's cache.

PYTHON ?= python3
RUN := .venv/bin/python
# Else every process compiles each module that it imports: the tests start a thousand.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo quick test test-here test-thorough test-more test-more-oldest test-more-newest check lint test-oldest test-newest test-corpus test-faults test-refusals test-busy test-matrix test-hub test-hub-whole test-kubernetes test-browser pictures test-spyglass tutorial-data docs dist test-server lint-workflows bench lock clean

help:
	@echo "make demo    run the quick-start notebook on a private MySQL server"
	@echo "make quick   lint, types, unit tests and ten loads on MySQL: before each commit"
	@echo "make test    run each kind of check and test, on one of the servers"
	@echo "make test-thorough   the other server, and longer checks: CI runs it after make test"
	@echo "make test-more     what both leave out: further cases"
	@echo "make test-corpus   load the dumps of many tools on each server in each way (half an hour)"
	@echo "make docs    the documentation as a site, with executed notebooks (three minutes)"
	@echo "make dist    build the release, check it, and run the quick start from the wheel"
	@echo "make test-faults   kill 1,000 loads over 30 kinds of script, and resume them (40 minutes)"
	@echo "make test-refusals   load 500 scripts with mistakes, as the client does (40 minutes)"
	@echo "make test-busy     load 100 times beside busy loops; no load may hang (half an hour)"
	@echo "make test-matrix   connect each DataJoint with each PyMySQL to each kind of server"
	@echo "make test-server   the tests of loading and connecting, on a server that runs already"
	@echo "make test-hub      run the pods of hub-config for real (root, Debian; about ten minutes)"
	@echo "make test-hub-whole   a whole JupyterHub on these pods, with a browser (root, Debian)"
	@echo "make test-kubernetes   hub-config on a real Kubernetes 1.20, which it builds (root, Debian)"
	@echo "make test-browser  JupyterLab in Chromium, which it fetches: completion, a load, its report"
	@echo "make test-spyglass   run the tutorial with Spyglass itself (1.7 GB to install)"
	@echo "make tutorial-data   recreate the notebooks' dump and recordings, with Spyglass"
	@echo "make pictures   redraw the pictures of notebooks, README and docs"
	@echo "make bench   measure, also against the mysql client (about ten minutes)"
	@echo "make lock    resolve the development requirements again"
	@echo "make clean   remove what the others made in this folder"

demo: .venv/ready
	@$(RUN) -m tools.demo

# So many processes share the tests, each with servers of its own: tests/sharing.py.
WORKERS ?= 2
SHARED = $(RUN) -m pytest -q -n $(WORKERS) --durations=40 --durations-min=8

# What a contributor runs before a commit. Parts joined by + run side by side, here and in `test`.
quick: .venv/ready
	@$(RUN) -m tools.parts lint+test-quick

test-quick: .venv/ready
	$(SHARED) -m "quick or not (slow or server or thorough or campaign)" tests/unit tests/integration/test_load.py

# Each kind of check, on one of the servers: `test-thorough` has the rest of what CI runs.
test: .venv/ready .venv-datajoint2/ready
	@$(RUN) -m tools.parts test-here+check+test-oldest+test-newest

# One process more than there are cores: many of these tests wait.
test-here: WORKERS = 3
test-here: .venv/ready .venv-datajoint2/ready
	$(SHARED) -m "not (thorough or $(LEFT_OUT))"

test-thorough: .venv/ready .venv-datajoint2/ready
	$(SHARED) -m "thorough and not ($(LEFT_OUT))"

# What both leave out. Together they are all tests on this Python, and all unit tests on others.
LEFT_OUT := corpus or campaign
test-more: .venv/ready .venv-datajoint2/ready
	@$(RUN) -m tools.parts test-more-here test-more-oldest+test-more-newest

test-more-here: .venv/ready .venv-datajoint2/ready
	$(SHARED) -m "$(LEFT_OUT)"

# The dumps of many tools, loaded with the client and with us, on both servers, over one connection and
# four, in each way of sending rows: the full product, of which `test` has a diagonal.
test-corpus: .venv/ready
	$(SHARED) tests/corpus

# The site of the documentation, in build/docs/html; a warning of Sphinx and a broken link are errors.
docs: .venv-docs/ready
	.venv-docs/bin/python -m tools.site

# What would be published, in dist/: built, checked, installed and tried. Nothing is sent anywhere.
dist: .venv-release/ready
	.venv-release/bin/python -m tools.dist

# The workflows of a public forge: their form, and what is unsafe in them.
lint-workflows: .venv-release/ready
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv-release/bin/zizmor --offline --quiet --no-progress .github/workflows

# Loading and connecting, on the server at SIDECAR_TEST_SERVER=HOST:PORT; it must have no schemas.
# SIDECAR_TEST_PASSWORD is root's (default: tutorial), SIDECAR_TEST_CLIENT stands before the client's
# name, such as `docker exec --interactive NAME`.
SERVER_TESTS := $(addprefix tests/integration/test_,$(addsuffix .py,datajoint fidelity load load_options \
	load_promises magics rewrite tls wait_server)) tests/portability
test-server: .venv/ready
	$(RUN) -m pytest $(SERVER_TESTS)

check: lint
	$(RUN) -m mypy --platform win32 $(wildcard sidecar_magics*)
	$(RUN) -m mypy --platform darwin $(wildcard sidecar_magics*)

# `check` goes on with the types on other systems.
lint: .venv/ready
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# The unit tests need no server; so they also run on the oldest Python that is supported, with the
# oldest dependencies allowed, and on the newest of both.
test-oldest test-newest: test-%: .venv/ready
	$(RUN) -m tools.other_python $* -- -m pytest -q -m "not (slow or thorough or campaign)" tests/unit

test-more-oldest test-more-newest: test-more-%: .venv/ready
	$(RUN) -m tools.other_python $* -- -m pytest -q -m "(slow or thorough) and not campaign" tests/unit

# Every DataJoint with every PyMySQL on every kind of server; writes the tables in docs/datajoint.md.
test-matrix: .venv/ready .venv-datajoint2/ready
	$(RUN) -m tests.matrix

# The pods of hub-config on podman, which it installs (Debian, as root); about ten minutes.
test-hub: .venv/ready
	HUB_PODS=1 $(RUN) -m pytest tests/hub/pods

# The dump and the NWB files of the notebooks; the same bytes each time.
tutorial-data: .venv/ready .venv-spyglass/ready
	$(RUN) -m tools.tutorial_data

# JupyterHub, pods, and Chromium in front of them; two minutes, once all is there.
test-hub-whole: .venv-browser/ready
	HUB_WHOLE=1 .venv-browser/bin/python -m pytest tests/hub/whole

# Kubernetes 1.20 itself, built from Debian's source package and kept in the user's cache: its API server
# judges the pods of tests/hub, and its kubelet runs them.
test-kubernetes: .venv/ready
	HUB_KUBERNETES=1 $(RUN) -m pytest tests/hub/kubernetes

# JupyterLab as a user sees it, in both themes; two minutes, once all is there. No root is needed.
test-browser: .venv-browser/ready
	.venv-browser/bin/python -m pytest tests/browser

# The drawing of the tables, the README's picture of the quick start, and JupyterLab, from runs of them.
pictures: .venv/ready .venv-browser/ready
	$(RUN) -m tools.pictures
	BROWSER_PICTURES=docs/images .venv-browser/bin/python -m pytest tests/browser

# The tutorial, with Spyglass itself.
test-spyglass: .venv/ready .venv-spyglass/ready
	$(RUN) -m pytest tests/spyglass

# Loads that are killed at random moments and resumed; about forty minutes on two cores.
test-faults: .venv/ready
	$(RUN) -m tests.faults.campaign --kills 1000 --seed 7

# Scripts with mistakes at random places, against what the client makes of them; as long.
test-refusals: .venv/ready
	$(RUN) -m tests.faults.refusals --scripts 500 --seed 7

# Tables with foreign keys and indexes, of 2 to 46 MB, loaded beside busy loops; half an hour.
test-busy: .venv/ready
	$(RUN) -m tests.faults.busy --loads 100 --seed 7

bench: .venv/ready
	$(RUN) -m tests.benchmarks

.venv/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv requirements/dev.txt --editable

# DataJoint 2 beside 0.14, for the tests.
.venv-datajoint2/ready: requirements/datajoint2.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv-datajoint2 requirements/datajoint2.txt --editable

# JupyterLab and what drives a browser, beside all that the tests have.
.venv-browser/ready: requirements/dev.txt requirements/browser.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv-browser requirements/dev.txt requirements/browser.txt --editable

# What makes the site, beside all that the tests have: cells run when it is made.
.venv-docs/ready: requirements/dev.txt requirements/docs.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv-docs requirements/dev.txt requirements/docs.txt --editable

.venv-release/ready: requirements/release.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv-release requirements/release.txt

# Spyglass and what it needs, 1.7 GB; Python 3.10 to 3.12.
.venv-spyglass/ready: requirements/spyglass.txt pyproject.toml
	@$(PYTHON) -m tools.setup_venv .venv-spyglass requirements/spyglass.txt --editable

# uv only resolves here; its output names no package index. What makes the site needs Python 3.11.
lock: .venv/ready
	$(RUN) -m pip install -q uv
	for name in dev datajoint2 datajoint-oldest pymysql-oldest spyglass browser docs release; do \
	  oldest=3.10; if [ $$name = docs ]; then oldest=3.11; fi; \
	  .venv/bin/uv pip compile -q --universal --python-version $$oldest --generate-hashes --no-header \
	    --no-annotate requirements/$$name.in -o requirements/$$name.txt && \
	  sed -i "1i # The lock of $$name.in; \`make lock\` makes it anew." requirements/$$name.txt; \
	done
	.venv/bin/uv pip compile -q --no-deps --universal --python-version 3.10 --generate-hashes --no-header \
	  --no-annotate requirements/helm.in -o requirements/helm.txt
	sed -i "1i # The lock of helm.in; \`make lock\` makes it anew." requirements/helm.txt

clean:
	rm -rf .venv .venv-datajoint2 .venv-spyglass .venv-browser .venv-docs .venv-release .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
