# `make lab` is all that a newcomer needs: every target sets up what it needs first.
# With another Python: make lab PYTHON=python3.12. Some of the tests only: make test ARGS="-m lab -x".

PYTHON ?= python3
ARGS ?=
PIP := -m pip --disable-pip-version-check
READY := .venv/.ready

.PHONY: help lab demo test test-long test-vagrant test-vagrant-quick test-kubernetes kubernetes test-browser browser containers bench lint notebooks screenshots pins clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

lab: $(READY) ## open JupyterLab on the notebooks, once this machine has shown that it can run a lab
	@.venv/bin/podnet lab $(ARGS)

demo: $(READY) ## wire the whole cluster in the terminal and check it, without a browser
	@.venv/bin/podnet demo

test: $(READY) ## run every test: unit, live, and all notebooks
	@.venv/bin/python -m pytest -n auto $(ARGS)

test-long: $(READY) ## run the tests that take minutes
	@.venv/bin/python -m pytest -m long $(ARGS)

test-vagrant: $(READY) ## bring up three VMs and test everything in them: half an hour, as root, on Debian 12
	@tests/vagrant/run $(ARGS)

test-vagrant-quick: $(READY) ## the same for every change: up, one notebook, reset, a node that is halted and comes back
	@tests/vagrant/run -m "vagrant and quick" $(ARGS)

kubernetes: $(READY) ## build Kubernetes 1.20 from Debian's source into a cache, for `podnet kubernetes`: 10 CPU minutes, once
	@.venv/bin/python -m podnet_lab.kubernetes.build

test-kubernetes: kubernetes ## run a real Kubernetes in labs, and test it: minutes, after the build
	@.venv/bin/python -m pytest -m kubernetes $(ARGS)

test-browser: browser ## run the notebooks and widgets in a real browser, with Debian's Chromium
	@.venv/bin/python -m pytest -m browser $(ARGS)

browser: $(READY) ## install what test-browser and screenshots need
	@tests/browser/install

containers: $(READY) ## install what asking a container runtime takes; containerd itself: sudo apt install containerd crun busybox-static
	@.venv/bin/python $(PIP) install -q -r requirements-containers.txt

bench: $(READY) ## measure this library against the kernel's own cost and against others: half an hour
	@.venv/bin/python -m bench --out docs/bench $(ARGS)
	@.venv/bin/python -m bench.page

lint: $(READY) ## check the style of all code, notebooks too
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

notebooks: $(READY) ## run all notebooks and store what they show
	@.venv/bin/python tools/nbrun.py notebooks/*.ipynb

screenshots: browser ## run notebooks in a browser and store what they look like, for README
	@.venv/bin/python tools/screenshots.py docs/images

clean: ## remove the virtual environment
	@rm -rf .venv

# All set-up is here. The stamp is written last and holds the folder it was made for, so that a set-up that was
# interrupted, a folder that was moved or copied, and a Python that is gone all end in a new environment.
# editable_mode=compat: a line in a .pth file. What setuptools writes else costs each Python 30 ms, and a lab starts several.
ifneq ($(shell .venv/bin/python -c '' 2>/dev/null && cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "podnet-lab needs Python 3.11 or newer, but $(PYTHON) says: $$($(PYTHON) -V 2>&1)"; \
	  echo "If this machine has a newer one, name it, for example: make lab PYTHON=python3.11"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. Install it, then try again:"; \
	  echo "    sudo apt install $(notdir $(PYTHON))-venv"; exit 1; } >&2
	@echo "Setting up .venv, once; this takes about half a minute"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@.venv/bin/python $(PIP) install -q -r requirements.txt
	@.venv/bin/python $(PIP) install -q --no-deps --config-settings editable_mode=compat -e . 2>/dev/null || \
	  .venv/bin/python $(PIP) install -q --no-deps -e . # pip before 22.1 knows no such option
	@echo "$(CURDIR)" > $@

pins: ## resolve requirements.txt, requirements-browser.txt and requirements-containers.txt anew
	@set -e; new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	$(PYTHON) -m venv "$$new"; \
	"$$new/bin/python" $(PIP) install -q -e '.[notebooks,test]'; \
	echo "# All that podnet-lab uses, at versions that were tested together. Made by 'make pins': don't edit." > "$$new/pins"; \
	"$$new/bin/python" $(PIP) freeze --exclude-editable --exclude setuptools >> "$$new/pins"; \
	"$$new/bin/python" $(PIP) install -q -c "$$new/pins" -e '.[containers]'; \
	echo "# What 'make containers' adds to requirements.txt. Made by 'make pins': don't edit." > "$$new/containers"; \
	"$$new/bin/python" $(PIP) freeze --exclude-editable --exclude setuptools | grep -vxFf "$$new/pins" >> "$$new/containers"; \
	"$$new/bin/python" $(PIP) install -q -c "$$new/pins" -c "$$new/containers" -e '.[browser]'; \
	echo "# What 'make browser' adds to requirements.txt. Made by 'make pins': don't edit." > "$$new/browser"; \
	"$$new/bin/python" $(PIP) freeze --exclude-editable --exclude setuptools | grep -vxFf "$$new/pins" | grep -vxFf "$$new/containers" >> "$$new/browser"; \
	cp "$$new/pins" requirements.txt; cp "$$new/browser" requirements-browser.txt; cp "$$new/containers" requirements-containers.txt
