#!/usr/bin/env bash
# Tests doors with real consoles, which the kits of ../shared/consoles install, start and stop. A console that cannot be started here is left
# out with one line; a test that fails is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

kits=${DOORWARD_CONSOLE_KITS:-../shared/consoles}
if [ ! -d "$kits" ]; then
  echo "$kits is absent: nothing is tested with real consoles"
  exit 0
fi
# Of our own, so that consoles which somebody else runs are neither taken for ours nor stopped.
export UPSTREAMS_RUN=${TMPDIR:-/tmp}/doorward-test-consoles
mkdir -p "$UPSTREAMS_RUN"
DOORWARD_CONSOLES=$(cd "$kits" && pwd) cargo nextest run --test it --no-fail-fast --success-output final -E 'test(/^consoles::/)'
