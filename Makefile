# Everything a person types. `make demo` and `make test` set up what they need by themselves.
.PHONY: demo test setup lab calibrate check lint types contracts screens bench lock clean help
.DEFAULT_GOAL := help

VENV   := .venv
TRACER := $(VENV)/bin/tracer
PY     := $(VENV)/bin/python
UV      = $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

# Where the machine keeps a list of authorities, uv trusts it: a company's proxy may stand on the way.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= 1
export UV_NATIVE_TLS ?= 1
endif

help:           ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: setup     ## run the main job on a capture: who said 403, and why
	$(TRACER) explain pcaps/two-hops-could-deny/capture.pcapng

test: setup     ## pass the tests; what a machine lacks is skipped by name
	$(PY) -m pytest -q

setup: $(VENV)/.ready   ## leave .venv/bin/tracer ready

$(VENV)/.ready: requirements-dev.txt pyproject.toml .ci/get-uv .ci/venv
	@sh .ci/get-uv
	@sh .ci/venv
	$(UV) pip install --quiet --compile-bytecode --python $(PY) --require-hashes -r requirements-dev.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q tracer tui addons   # starts half a second sooner where Python may not write these itself
	@PYTHONDONTWRITEBYTECODE= $(PY) -m tracer.correlate
	@touch $@

check: lint types contracts   ## style, types and import direction

lint: setup     ## ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: setup    ## mypy --strict
	$(VENV)/bin/mypy

contracts: setup   ## import direction
	$(VENV)/bin/lint-imports --no-cache

lab: setup      ## real servers, real denials, and how tracer does on them
	$(PY) -m tests.lab setup
	$(PY) -m tests.lab run
	$(PY) -m tests.lab report
	$(PY) -m tests.lab bisect

calibrate: setup   ## fit the judge's numbers to the lab's captures, and show how honest they are
	@test -d tests/lab/.cache/cases || $(PY) -m tests.lab run
	$(PY) -m tests.calibrate --write

screens: setup  ## write anew what the interface is compared with; look at the difference before you commit it
	TRACER_WRITE_SCREENS=1 $(PY) -m pytest -q tests/tui/test_screens.py
	git diff --stat tests/tui/screens

bench: setup    ## speed, side by side with tshark and with mitmdump alone
	$(PY) -m tests.bench
	$(PY) -m tests.bench.starting
	$(PY) -m tests.bench.correlating
	$(PY) -m tests.bench.proxying

lock:           ## choose newer versions of everything, with hashes
	@sh .ci/get-uv
	$(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.12 \
	  --extra dev pyproject.toml -o requirements-dev.txt
	$(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.12 \
	  --constraint requirements-dev.txt --extra all pyproject.toml -o requirements.txt

clean:          ## remove what setup made
	rm -rf $(VENV) .uv
