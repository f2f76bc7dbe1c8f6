# Two commands on a fresh machine: `make demo` and `make test`. python3 (3.11 or newer) and make are
# needed (gcc only where a package has no wheel); everything else comes from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := trust ca sso seal certificates server
CODE := $(PACKAGES) tests benchmarks tools migrations examples

.PHONY: demo demo-regions serve test coverage test-clients check format lint types floors bench bulk-proof regions-proof bench-identity bench-regions fuzz soak pdfa \
	pkits openapi lock clean

demo: $(READY)
	TRUST_HOME=build/demo $(BIN)/trust demo

# A hub and two regions that recognise each other, each a process of its own.
demo-regions: $(READY)
	TRUST_HOME=build/demo-regions $(BIN)/trust demo-regions

serve: $(READY)
	@test -e build/demo/trust.db || TRUST_HOME=build/demo $(BIN)/trust demo
	TRUST_HOME=build/demo exec $(BIN)/trust serve --allow-private-callbacks

test: $(READY)
	$(BIN)/pytest -n 2 --dist loadscope

# The same tests, every branch counted: a third slower, so it is run before a larger change lands.
coverage: $(READY)
	rm -f build/.coverage*
	$(BIN)/coverage run -m pytest -n 2 --dist loadscope
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=92 | tail -n 40

# Foreign clients against a running service: npm, Apache and a browser are needed (.ci/run).
test-clients: $(READY)
	TRUST_TEST_CLIENTS=1 $(BIN)/pytest tests/clients

check: $(READY) format lint types floors test

format: $(READY)
	$(BIN)/ruff format --check $(CODE)

lint: $(READY)
	$(BIN)/ruff check $(CODE)

types: $(READY)
	$(BIN)/mypy

floors: $(READY)
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks.run

# 2,000 licences by command in under a minute, the command killed on the way.
bulk-proof: $(READY)
	$(BIN)/python -m benchmarks.bulk_proof

# Ten thousand seeded verifications among five regions in bad weather: no false PASSED.
regions-proof: $(READY)
	$(BIN)/python -m tests.regions_proof

# Codes verified online and offline, trust lists and status lists at full size.
bench-regions: $(READY)
	$(BIN)/python -m benchmarks.regions

# Beside node-oidc-provider, which npm fetches.
bench-identity: $(READY)
	$(BIN)/python -m benchmarks.identity

# Hostile input for every parser; FUZZ_SECONDS=60 for a short one. Guided by coverage where atheris
# is installed in .venv (pip install atheris).
FUZZ_SECONDS ?= 600
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

soak: $(READY)
	$(BIN)/python -m tests.soak_sm2

pdfa: $(READY)
	$(BIN)/python -m tests.pdfa.check

pkits: $(READY)
	$(BIN)/python -m tests.trust.pkits

openapi: $(READY)
	$(BIN)/python -m server.openapi > openapi.yaml

# Upgrades the pins; read the changes before committing them.
lock: $(READY)
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile --python-version 3.11 --all-extras --generate-hashes --quiet \
		pyproject.toml -o requirements.lock

# Debian's python3 comes without ensurepip: then pip itself is taken from the wheel in tools/.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) tools/setup.py $(VENV)
	touch $@

clean:
	rm -rf build $(VENV)
