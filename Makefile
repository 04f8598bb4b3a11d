# Two commands do everything on a fresh Debian 12: `make run` and `make test`.

PYTHON := /usr/bin/python3
VENV := .venv
export PYTHONPATH := $(CURDIR)

.PHONY: run stop test soak lint fuzz bench setup packages lock clean

run:  ## start the demo cluster and print its address and API key
	@test "$$(id -u)" -eq 0 || { \
	  echo "make run makes network namespaces and needs root: sudo make run" >&2; exit 1; }
	@$(MAKE) --no-print-directory setup
	@$(VENV)/bin/python -m lab.demo up

stop:  ## end exactly what `make run` started
	@test ! -x $(VENV)/bin/python || $(VENV)/bin/python -m lab.demo down

test: setup  ## lint, unit, integration and acceptance tests; one total at the end
	@$(VENV)/bin/python -m tests

SOAK_SECONDS := 600

soak: setup  ## the tests that take long, whole, and nothing skipped: a thousand racks, a hard time, mishaps, a day of leases; as root
	@CI=1 MAASHA_SOAK=$(SOAK_SECONDS) $(VENV)/bin/python -m pytest -q \
	  tests/acceptance/test_large.py tests/acceptance/test_calm.py tests/acceptance/test_leases.py \
	  tests/acceptance/test_history.py tests/acceptance/soak_name_servers.py

lint: setup  ## formatting, types, layers and purity
	@$(VENV)/bin/python -m tests --only lint

FUZZ_SECONDS := 60

fuzz: setup  ## look for bytes that harm a region; every case found is kept in tests/fuzz/corpus
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@for target in stranger stranger_tls trusted; do \
	  $(VENV)/bin/python -m tests.fuzz $$target $(FUZZ_SECONDS) || exit 1; done

bench: setup  ## measure against stock AMP and others, and hold every figure against its bar; as root
	@for one in rpc attacks storm balance dhcp; do $(VENV)/bin/python -m benchmarks.$$one || failed=1; done; \
	  test -z "$$failed"

setup: packages $(VENV)/complete  ## Debian packages (as root) and the virtual environment

packages:
	@sh lab/packages.sh

$(VENV)/complete: requirements/dev.txt setup.cfg pyproject.toml
	@echo "making $(VENV) (about half a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --use-pep517 --require-hashes -r requirements/dev.txt
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock:  ## write the locked requirements anew from requirements/*.in
	@for part in run dev fuzz; do \
	  $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	    --output-file requirements/$$part.txt requirements/$$part.in; done

clean: stop
	rm -rf $(VENV) .run
