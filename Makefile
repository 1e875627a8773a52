# Everything a developer or CI runs. `make test` installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
NEXTEST_VERSION := 0.9.143
CARGO_DEB_VERSION := 3.8.0
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: test editor chromium release deb test-package test-upstreams test-consoles test-legacy lint advisories docs schema bench bench-quick bench-programs nextest redis npm tools

# In CI without cargo's own lines: another cargo on the machine makes "Blocking waiting for file lock" of them.
test: nextest redis npm chromium editor
	cargo nextest run $(if $(CI),--cargo-quiet) --workspace --all-targets --no-fail-fast
	cargo test --workspace --doc --quiet

# The program as it is shipped: what is packaged, tested as a package and shown by CI's demo is this one build.
release: editor
	cargo build --release --locked --quiet --bin doorward

# target/debian/doorward_*.deb
deb: release
	@cargo deb --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-deb --version $(CARGO_DEB_VERSION)
	rm -rf $(TARGET)/release/package && mkdir -p $(TARGET)/release/package $(TARGET)/debian
	$(TARGET)/release/doorward man $(TARGET)/release/package/man >/dev/null
	for shell in bash:doorward.bash zsh:_doorward fish:doorward.fish; do \
	  $(TARGET)/release/doorward completions $${shell%%:*} >$(TARGET)/release/package/$${shell#*:}; done
	rm -f $(TARGET)/debian/doorward_*.deb
	cargo deb --no-build --locked --quiet --output $(TARGET)/debian/

# The package under a real systemd, the image, the manifests, the alert rules. What this machine cannot do is left out with one line each.
test-package: deb
	tests/package/run

# Connectors against real servers, which ../shared/upstreams installs, starts and stops. Without it: one line.
test-upstreams: nextest
	tests/upstreams.sh

# Doors with real consoles, which ../shared/consoles installs, starts and stops. Without it: one line.
test-consoles: nextest
	tests/consoles.sh

# Old TLS, against `openssl s_server`. It needs OpenSSL's headers (libssl-dev), so it is no part of `make test`.
test-legacy: nextest
	cargo nextest run --features legacy-tls --test it -E 'test(/^legacy_tls::/)'

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@# As a user builds it: the dependencies of tests turn on features that the program may not lean on.
	cargo check --bin doorward --locked --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; \
	else echo "cargo-deny is not installed: its checks are left out"; fi

# Reported, not a gate: a new advisory about a crate must not stop a change that has nothing to do with it.
advisories:
	@if ! cargo deny --version >/dev/null 2>&1; then echo "cargo-deny is not installed: advisories are left out"; \
	elif ! cargo deny fetch db >/dev/null 2>&1; then echo "the advisory database cannot be fetched here: advisories are left out"; \
	else cargo deny check advisories; fi

schema:
	cargo run --quiet -- schema > docs/connector.schema.json
	cargo run --quiet -- schema --door > docs/door.schema.json

# Speed as a ratio against a baseline in the same run, into docs/performance.md and its plots. An idle machine is wanted; the
# ratios bear some noise, the rest does not. Peers to compare with: one that cannot be installed is left out with a line.
PEERS := nginx libnginx-mod-http-js libnginx-mod-http-lua lua-cjson freeradius freeradius-rest npm
bench: bench-programs
	@dpkg -s $(PEERS) >/dev/null 2>&1 || { apt-get update -qq; for peer in $(PEERS); do dpkg -s $$peer >/dev/null 2>&1 || \
	  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$peer >/dev/null 2>&1 || echo "$$peer cannot be installed here"; done; }
	$(TARGET)/release/examples/bench --write docs
	$(TARGET)/release/examples/script_bench

bench-quick: bench-programs
	$(TARGET)/release/examples/bench --quick

bench-programs:
	cargo build --release --quiet --bin doorward --example bench --example handwritten --example script_bench

nextest:
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest --version $(NEXTEST_VERSION)

# A real server for the tests of shared challenges, which start their own: RUNLEVEL=1 keeps apt from starting one. Where it cannot be installed they say so and are left out.
redis:
	@command -v redis-server >/dev/null || { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null; } \
	|| echo "redis-server cannot be installed: its tests are left out"

# Debian's browser and its driver, for the tests of pages (tests/it/browser). Where they cannot be installed those tests are left out.
chromium:
	@command -v chromedriver >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-noto-cjk >/dev/null; } \
	|| echo "chromium cannot be installed: tests of pages are left out"

# The studio's editor, which the program embeds when it is there (build.rs). Without npm the studio has its plain view.
editor: npm
	@tools/editor/build.sh $(abspath $(TARGET))/editor || echo "the studio's editor cannot be built: the plain view serves"

# Libraries that the tests of scripts paste (CryptoJS) come from npm, pinned and checked by tests/it/support/npm.rs.
npm:
	@command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends npm >/dev/null; } \
	|| echo "npm cannot be installed: tests of pasted libraries are left out"
