#!/usr/bin/env bash
# Stops what start.sh started, by its process id.
home=${UPSTREAMS_RUN:-${TMPDIR:-/tmp}/doorward-upstreams}/ntlm
[ -s "$home/pid" ] || exit 0
kill "$(cat "$home/pid")" 2>/dev/null || true
rm -f "$home/pid"
