#!/usr/bin/env bash
# OAuth 1.0a: oauthlib (PyPI) as the provider, at http://127.0.0.1:18092.
set -euo pipefail
cd "$(dirname "$0")"
home=${UPSTREAMS_RUN:-${TMPDIR:-/tmp}/doorward-upstreams}/oauth1
mkdir -p "$home"
[ -x "$home/venv/bin/python" ] || python3 -m venv "$home/venv"
"$home/venv/bin/python" -c 'import oauthlib' 2>/dev/null || "$home/venv/bin/pip" install -q 'oauthlib==3.3.1' 'cryptography==50.0.2' 'PyJWT==2.15.1'
if [ ! -s "$home/client.pem" ]; then
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$home/client.pem" 2>/dev/null
  openssl pkey -in "$home/client.pem" -pubout -out "$home/client-public.pem"
fi
if ! { [ -s "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; }; then
  setsid "$home/venv/bin/python" server.py 18092 "$home" >"$home/out.log" 2>&1 </dev/null &
  echo $! >"$home/pid"
fi
for _ in $(seq 100); do
  if curl -s -o /dev/null -m 5 http://127.0.0.1:18092/; then
    echo "oauth1 up: pid $(cat "$home/pid")"
    exit 0
  fi
  sleep 0.2
done
echo "not ready: $(tail -n 1 "$home/out.log")"
exit 1
