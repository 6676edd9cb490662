# make lab    make the environment (.venv) and open JupyterLab at the first notebook
# make test   make the environment and pass everything
# Both take seconds the second time. uv installs where it is there, pip where it is not.
# Settings: PYTHON=python3.12, VENV=elsewhere, LAB="--port 9000" (options for JupyterLab).

VENV ?= .venv
BIN := $(VENV)/bin
SETUP := pyproject.toml constraints.txt course_lib/jupyter_settings.json

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11) and \
    'The course needs Python 3.11 or newer, this is ' + sys.version.split()[0] + '; try: make lab PYTHON=python3.12')

ifneq ($(shell command -v uv),)
CREATE := uv venv --quiet --allow-existing $(if $(PYTHON),--python $(PYTHON)) $(VENV) && $(BIN)/python -c "$(NEW_ENOUGH)"
INSTALL := uv pip install --quiet --python $(BIN)/python --constraint constraints.txt
else
PYTHON ?= python3
CREATE := $(PYTHON) -c "$(NEW_ENOUGH)" && $(PYTHON) -m venv $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
endif

.PHONY: lab test lint types check unit nbval browser site build/site/index.html site-test nbgrader build prove gallery test-torch bench clean
.DELETE_ON_ERROR: # an environment that could not be made is made anew the next time

lab: $(VENV)/.course
	$(BIN)/course lab $(LAB)

test: lint types check unit nbval browser site-test nbgrader
	@echo "Everything passes."

lint: $(VENV)/.course-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.course-test
	$(BIN)/mypy

check: $(VENV)/.course-test
	$(BIN)/course build --check

# A file stays with one worker, which grades the class only once.
unit: $(VENV)/.course-test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore=tests/browser --ignore=tests/site --ignore=tests/with_nbgrader

nbval: $(VENV)/.course-test
	$(BIN)/python -m pytest -q --nbval solutions notebooks

browser: $(VENV)/.course-test
	$(BIN)/python -m pytest -q tests/browser

# The site in build/site: all lessons as a book, and JupyterLite. PYODIDE=... is the URL or a folder of the wheels that the
# build says it has not. It has an environment of its own: JupyterLab stumbles over JupyterLite's extension.
site:
	@$(MAKE) --no-print-directory VENV=$(VENV)-site build/site/index.html

build/site/index.html: $(VENV)/.course-site
	$(BIN)/python site/build.py --pyodide "$(PYODIDE)"

site-test: site $(VENV)/.course-test
	$(BIN)/python -m pytest -q tests/site

# The exercises on nbgrader, which has an environment of its own: its extensions would be in the JupyterLab of all tests.
nbgrader: $(VENV)/.course-test
	@$(MAKE) --no-print-directory VENV=$(VENV)-nbgrader $(VENV)-nbgrader/.course-nbgrader
	NBGRADER=$(VENV)-nbgrader/bin/nbgrader $(BIN)/python -m pytest -q tests/with_nbgrader

build: $(VENV)/.course-test
	$(BIN)/course build

# The proof of every exercise over 200 students, as a table; `unit` has it over a few.
prove: $(VENV)/.course-test
	$(BIN)/python -m tests.prove

# The pictures of docs/gallery.md.
gallery: $(VENV)/.course-test
	$(BIN)/python docs/gallery.py

# For developers: gradients against PyTorch's. Never a dependency of the course.
test-torch: $(VENV)/.course-test
	$(INSTALL) torch==2.13.0
	$(BIN)/python -m pytest -q -k torch tests

bench: $(VENV)/.course-test
	for program in benchmarks/*/run.py; do $(BIN)/python $$program || exit 1; done

clean:
	rm -rf $(VENV) $(VENV)-site $(VENV)-nbgrader .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "Making an environment in $(VENV): once, a quarter of a minute with uv, a minute without."
	@$(CREATE)

$(VENV)/.course-site: $(SETUP) | $(BIN)/python
	$(INSTALL) -e ".[site]"
	@touch $@

$(VENV)/.course-nbgrader: $(SETUP) | $(BIN)/python
	$(INSTALL) -e ".[nbgrader]"
	@touch $@

$(VENV)/.course: $(SETUP) | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.course-test: $(SETUP) | $(BIN)/python
	$(INSTALL) -e ".[test]"
	@touch $@ $(VENV)/.course
