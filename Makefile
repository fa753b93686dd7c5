# What there is to do with this repository. Needs Linux with Rust, Go 1.26, Python 3.11, kubectl
# and make; everything else (kube-apiserver, etcd, helm, an AWS server) is built or installed once,
# into ~/.cache/sagevpc (or $SAGEVPC_CACHE), by tests/tools/build.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# What `make generate` writes into.
GENERATED := crds charts deploy docs

.PHONY: help build test search demo bench prices lint check-format clippy rustdoc generate check-generated check-chart check-dependencies tools clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the program, target/debug/sagevpc
	cargo build --locked

test: tools ## Run every test, of all packages
	PROPTEST_CASES=128 cargo test --locked

search: ## Look for inputs that break a property: CASES=2000 of each, from a seed that is printed
	seed=$${SEED:-$$RANDOM$$RANDOM}; echo "SEED=$$seed"; \
	PROPTEST_RNG_SEED=$$seed PROPTEST_CASES=$${CASES:-2000} \
	cargo test --locked --package sagevpc-core --package iam-policy --test properties

demo: build ## Show the main job on a real API server, etcd and an AWS server; KEEP=1 leaves it running
	@tools=$$(tests/tools/build) && eval "$$tools" && exec "$$MOTO_PYTHON" -B tests/demo/demo.py

bench: tools ## Measure; writes target/bench/results.json and prints a table
	cargo bench --locked --bench '*'
	cargo build --release --locked
	@tools=$$(tests/tools/build) && eval "$$tools" && exec "$$MOTO_PYTHON" -B tests/bench/bench.py

prices: ## Write the table of AWS's list prices: PRICES="AmazonVPC.json AmazonEC2.json", from AWS's bulk price list
	@[ -n "$(PRICES)" ] || { echo 'name the files: make prices PRICES="AmazonVPC.json AmazonEC2.json"' >&2; exit 2; }
	cargo run --quiet --locked --package sagevpc-core --example prices -- $(PRICES) > target/prices.rs
	mv target/prices.rs crates/sagevpc-core/src/catalog/prices/table.rs
	cargo fmt --all

lint: check-format clippy rustdoc ## Check the code's format, clippy's advice and the documentation

check-format:
	cargo fmt --check

clippy:
	cargo clippy --locked --all-targets -- -D warnings

rustdoc:
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

generate: ## Write the files that follow from the code and the chart (CRDs, RBAC, manifests)
	tests/tools/generate

check-generated: generate ## Check that those files are committed as they would be written
	@git diff --exit-code -- $(GENERATED) && \
	[[ -z "$$(git ls-files --others --exclude-standard -- $(GENERATED) | tee /dev/stderr)" ]] || \
	{ echo 'Not as the code and the chart make them: run make generate, and commit the files above.' >&2; exit 1; }

check-dependencies: ## Check licences and sources of what Cargo.lock names, where cargo-deny is there
	@if command -v cargo-deny > /dev/null; then cargo deny check bans licenses sources; \
	else echo 'cargo-deny is not there: licences and sources of dependencies are not checked'; fi

check-chart: ## Check that the chart renders with each set of values, and what it renders
	tests/tools/check-chart

tools: ## Build or install what the tests and the demo run against, where it is missing
	@tests/tools/build > /dev/null

clean: ## Remove what cargo built; the tools stay in the cache
	cargo clean
