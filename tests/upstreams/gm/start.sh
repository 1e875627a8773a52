#!/usr/bin/env bash
# SM2, SM3 and SM4: gmssl (PyPI), and OpenSSL for SM2 in ASN.1, at http://127.0.0.1:18093.
set -euo pipefail
cd "$(dirname "$0")"
home=${UPSTREAMS_RUN:-${TMPDIR:-/tmp}/doorward-upstreams}/gm
mkdir -p "$home"
[ -x "$home/venv/bin/python" ] || python3 -m venv "$home/venv"
"$home/venv/bin/python" -c 'import gmssl' 2>/dev/null || "$home/venv/bin/pip" install -q 'gmssl==3.2.2' 'pycryptodomex==3.24.2'
if ! { [ -s "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; }; then
  setsid "$home/venv/bin/python" server.py 18093 "$home" >"$home/out.log" 2>&1 </dev/null &
  echo $! >"$home/pid"
fi
for _ in $(seq 100); do
  if curl -s -o /dev/null -m 5 http://127.0.0.1:18093/; then
    echo "gm up: pid $(cat "$home/pid")"
    exit 0
  fi
  sleep 0.2
done
echo "not ready: $(tail -n 1 "$home/out.log")"
exit 1
