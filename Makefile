# make demo, make test and make build do everything on a bare Debian 12, set-up included. `make help` lists the rest.

PRESET ?= dev
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
SEEDS ?= 2000
FROM ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup build test test-backends test-kubernetes test-slurm-load demo bench install format lint asan tsan fuzz sim docs-check clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing through apt
	@.ci/install-packages

build: setup ## build the release preset: build/release/potoo
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release --target potoo job_service -j $(JOBS)

test: setup ## build and run all tests (PRESET=dev, asan or tsan)
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build --preset $(PRESET) -j $(JOBS)
	@ctest --preset $(PRESET) -j $(JOBS)

test-backends: setup ## the operators on real services, which it installs and starts (as root)
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build --preset $(PRESET) -j $(JOBS) --target backend_tests
	@JOBS=$(JOBS) tests/integration/backends/run build/$(PRESET)

test-kubernetes: setup ## the same on Kubernetes, whose control plane is built first
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build --preset $(PRESET) -j $(JOBS) --target backend_tests
	@JOBS=$(JOBS) tests/integration/backends/run build/$(PRESET) kubernetes

test-slurm-load: setup ## 2,000 jobs on Slurm, whose controller is killed meanwhile
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build --preset $(PRESET) -j $(JOBS) --target backend_tests
	@tests/integration/backends/run build/$(PRESET) slurm-load

demo: build ## launch and watch a thousand jobs on the example job service
	@examples/demo.sh build/release

bench: setup ## print the figures of docs/explanation/benchmarks.md
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@tests/bench/run build/release

install: build ## install under PREFIX (default /usr/local)
	@cmake --build --preset release -j $(JOBS)
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

format: setup ## format the sources
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

lint: setup ## format, names, includes, coroutine shapes, clang-tidy
	@cmake --preset dev --log-level=WARNING >/dev/null
	@tests/lint/run build/dev

asan: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test PRESET=asan

tsan: setup ## the tests that use threads, under ThreadSanitizer
	@cmake --preset tsan --log-level=WARNING >/dev/null
	@cmake --build --preset tsan -j $(JOBS) --target task_test journal_test runtime_test
	@ctest --preset tsan -j $(JOBS) -L tsan

fuzz: setup ## search for breaking inputs (FUZZ_SECONDS=600 each, FUZZ_TARGETS= all)
	@cmake --preset asan --log-level=WARNING >/dev/null
	@cmake --build --preset asan -j $(JOBS) --target fuzzers
	@tests/fuzz/run build/asan $(FUZZ_SECONDS) $(JOBS) $(FUZZ_TARGETS)

sim: setup ## simulate the engine in a world that goes wrong (SEEDS=2000 FROM=1), release preset
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release -j $(JOBS) --target sim
	@build/release/tests/sim/sim seeds --from $(FROM) --count $(SEEDS) --processes $(JOBS)

docs-check: build ## run the README's commands and every DAG in examples/ and docs/
	@tests/lint/check-documents build/release

clean: ## remove build/
	@rm -rf build
