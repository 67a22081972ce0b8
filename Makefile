# `make demo` and `make test` set up all they need below this folder and in the user's cache.

PYTHON ?= python3
VENV := .venv
VENV_DATAJOINT2 := .venv-datajoint2
RUN := $(VENV)/bin/python

.PHONY: help demo test check unit-oldest unit-newest bench lock clean

help:
	@echo "make demo    run the quick-start notebook on a private MySQL server"
	@echo "make test    run all checks and tests"
	@echo "make bench   measure against the mysql client (minutes)"
	@echo "make lock    resolve the development requirements anew"
	@echo "make clean   remove what the others made here"

demo: $(VENV)/ready
	@$(RUN) tools/demo.py

test: check unit-oldest unit-newest $(VENV_DATAJOINT2)/ready
	$(RUN) -m pytest

check: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(RUN) -m mypy
