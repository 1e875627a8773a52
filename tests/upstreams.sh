#!/usr/bin/env bash
# Tests connectors against real servers: starts them by the scripts of ../shared/upstreams and of tests/upstreams, runs the tests, stops them.
#
# What cannot be installed or started here is said in one line and left out; a test that fails is a failure. Only what
# was started here is stopped, whatever comes in between.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts=${DOORWARD_UPSTREAM_SCRIPTS:-../shared/upstreams}
if [ ! -d "$scripts" ]; then
  echo "$scripts is absent: nothing is tested against real servers"
  exit 0
fi
scripts=$(cd "$scripts" && pwd)
own=$PWD/tests/upstreams

# Of our own, so that servers which somebody else runs are neither taken for ours nor stopped. It is no folder that only
# its owner may enter, because servers drop their privileges.
export UPSTREAMS_RUN=${TMPDIR:-/tmp}/doorward-test-upstreams
# Downloading and installing included; a mirror that hangs must not hold CI.
patience=${DOORWARD_UPSTREAM_PATIENCE:-300}

# Each with the ports of its script. The mail server comes first: codes are mailed to it.
servers=(smtp-sink:18025 apache:18081,18443 django:18085 lemonldap:18082 moto:18086 oidc-provider:18087
  oauth1:18092 gm:18093 ntlm:18088,18449)

# The folder of a server's scripts: ours, or the shared one.
folder() { if [ -d "$own/$1" ]; then echo "$own/$1"; else echo "$scripts/$1"; fi; }

tried=()
stop() {
  for name in "${tried[@]}"; do
    timeout 60 "$(folder "$name")/stop.sh" >/dev/null 2>&1 || echo "$name did not stop: see $UPSTREAMS_RUN/$name"
  done
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

taken() {
  local port
  for port in ${1//,/ }; do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return 0
  done
  return 1
}

mkdir -p "$UPSTREAMS_RUN"
up=() missing=()
for server in "${servers[@]}"; do
  name=${server%%:*} ports=${server#*:}
  log=$UPSTREAMS_RUN/$name.log
  if taken "$ports"; then
    missing+=("$name: somebody else listens on 127.0.0.1 port $ports")
    continue
  fi
  tried+=("$name")
  if timeout --kill-after=10 "$patience" "$(folder "$name")/start.sh" >"$log" 2>&1 </dev/null; then
    up+=("$name")
  else
    missing+=("$name: its start script ended with $?: $(tail -n 1 "$log")")
  fi
done

running() { [[ " ${up[*]-} " == *" $1 "* ]]; }

# Accounts whose names and passwords hold what careless templates break on; the tests know them (upstreams/mod.rs).
hostile_user=$'o\'brien "周八" &=+%<x>' hostile_password=$'p\'w"d\r\n:&=+%#;<>{{x}}${base} \u00fc周八 '
if running apache; then
  htpasswd -bB -C 5 "$UPSTREAMS_RUN/apache/htpasswd" "$hostile_user" "$hostile_password" 2>/dev/null
fi
if running django; then
  SITE_DIR=$UPSTREAMS_RUN/django PYTHONPATH=$scripts/django PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=site_settings \
    "$UPSTREAMS_RUN/django/venv/bin/python" - "$hostile_user" "$hostile_password" <<'PYTHON'
import sys
import django
django.setup()
from django.contrib.auth.models import User
if not User.objects.filter(username=sys.argv[1]).exists():
    User.objects.create_superuser(sys.argv[1], 'hostile@example.org', sys.argv[2])
PYTHON
fi

for line in ${missing[@]+"${missing[@]}"}; do echo "left out: $line"; done
if [ ${#up[@]} -eq 0 ]; then
  echo "no real server runs here: nothing is tested"
  exit 0
fi
DOORWARD_UPSTREAMS="${up[*]}" cargo nextest run --test it --no-fail-fast -E 'test(/^upstreams::/)'
echo "tested against real servers: ${up[*]}; left out: ${#missing[@]}"
