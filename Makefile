# make run    set everything up and start vtcode in the current folder (RUN_IN=DIR for another)
# make test   set everything up and pass the tests
# make check  formatting, lint, strict types, the import contract, the house rules
# uv is used when it is there; python3 -m venv otherwise.

SHELL := /bin/sh
# Where this is set, every start compiles all it imports: half of the time of the tests.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null && { echo $$p; exit 0; }; done)
VENV := .venv
BIN := $(VENV)/bin
# What the program needs, and what working on it needs beside that: who only runs it does not wait for the rest.
READY := $(VENV)/.ready
DEVELOPING := $(VENV)/.developing
FOREIGN := $(VENV)/foreign/.looked
RUN_IN ?= $(CURDIR)
# One more than there are cores: tests wait for processes and screens more than they compute.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)

.PHONY: run test check format demo bench soak fuzz attacks snapshots clean

run: $(READY)
	@cd "$(RUN_IN)" && "$(CURDIR)/$(BIN)/vtcode" $(ARGS)

demo: $(READY)
	@$(BIN)/vtcode demo $(ARGS)

test: $(DEVELOPING) $(FOREIGN)
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(DEVELOPING)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/test_house_rules.py

format: $(DEVELOPING)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEVELOPING)
	$(BIN)/python -m benchmarks $(ARGS)

snapshots: $(DEVELOPING)
	$(BIN)/pytest tests -k snapshot --update-snapshots $(ARGS)

attacks: $(DEVELOPING)
	VTCODE_ATTACKS=all $(BIN)/pytest tests/attacks --timeout 3600 $(ARGS)

soak: $(DEVELOPING)
	VTCODE_SOAK=1 VTCODE_KILLS=1000 $(BIN)/pytest --timeout 7200 tests/events/test_tampering.py tests/events/test_journal.py tests/events/test_crashes.py \
		tests/agent/test_rewind_crashes.py tests/workspace/test_staging.py $(ARGS)

fuzz: $(DEVELOPING)
	$(BIN)/python -m tests.policy.coverage_guided -max_total_time=600
	VTCODE_FUZZ=1 $(BIN)/pytest -n $(JOBS) --dist worksteal -m hypothesis --timeout 7200 $(ARGS)

# Daemons that take our exports in tests, unpacked from Debian's packages and not installed, because two of them
# exclude each other; where apt-get is not there, or cannot reach its packages, those tests say that they are skipped.
$(FOREIGN):
	@mkdir -p $(VENV)/foreign && cd $(VENV)/foreign && \
	if command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1; then \
		for set in "rsyslog libestr0 libfastjson4 liblognorm5" "syslog-ng-core libivykis0 libnet1 libpcre3 libwrap0"; do \
			apt-get download -qq -o APT::Sandbox::User=root $$set >/dev/null 2>&1 || true; \
		done; \
		for d in *.deb; do [ ! -e "$$d" ] || dpkg -x "$$d" . && rm -f "$$d"; done; \
	fi
	@touch $(FOREIGN)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

# A recipe's `$(1)`: what of the package is installed, with which extras.
define install
	@if [ -z "$(PYTHON)" ]; then echo "vtcode needs Python 3.11 or newer with venv: install python3.11 (Debian: apt install python3-venv) and run make again." >&2; exit 1; fi
	@echo "Setting up $(VENV) $(2): once, a minute or two." >&2
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$(PYTHON)" $(VENV) && uv pip install --quiet --compile-bytecode --python $(BIN)/python --prerelease=allow -e '$(1)'; \
	else \
		"$(PYTHON)" -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '$(1)'; \
	fi
endef

$(READY): pyproject.toml
	$(call install,.,for vtcode)
	@touch $(READY)

$(DEVELOPING): pyproject.toml
	$(call install,.[dev],with what its tests need)
	@touch $(READY) $(DEVELOPING)
