#!/usr/bin/env bash
# NTLM: pyspnego as the server side (PyPI), at http://127.0.0.1:18088 and https://127.0.0.1:18449.
set -euo pipefail
cd "$(dirname "$0")"
home=${UPSTREAMS_RUN:-${TMPDIR:-/tmp}/doorward-upstreams}/ntlm
mkdir -p "$home"
[ -x "$home/venv/bin/python" ] || python3 -m venv "$home/venv"
"$home/venv/bin/python" -c 'import spnego' 2>/dev/null || "$home/venv/bin/pip" install -q 'pyspnego==0.12.4'
if [ ! -s "$home/server.key" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj /CN=ntlm.test -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$home/server.key" -out "$home/server.crt" 2>/dev/null
fi
# DOMAIN:USER:PASSWORD, as pyspnego reads it.
printf '%s\n' 'CORP:alice:S3cret päss' 'CORP:周八:bob pw' ':carol@corp.example.com:carol pw' >"$home/users"
if ! { [ -s "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; }; then
  setsid "$home/venv/bin/python" server.py 18088 18449 "$home" >"$home/out.log" 2>&1 </dev/null &
  echo $! >"$home/pid"
fi
for _ in $(seq 100); do
  if curl -ks -o /dev/null -m 5 https://127.0.0.1:18449/open/ && curl -s -o /dev/null -m 5 http://127.0.0.1:18088/open/; then
    echo "ntlm up: pid $(cat "$home/pid")"
    exit 0
  fi
  sleep 0.2
done
echo "not ready: $(tail -n 1 "$home/out.log")"
exit 1
