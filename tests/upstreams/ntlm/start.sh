#!/usr/bin/env bash
# NTLM: pyspnego as the server side (PyPI), at http://127.0.0.1:18088 and https://127.0.0.1:18449.
set -euo pipefail
cd "$(dirname "$0")"
NAME=ntlm
. ../python-server.sh
install spnego 'pyspnego==0.12.4'
if [ ! -s "$home/server.key" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj /CN=ntlm.test -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$home/server.key" -out "$home/server.crt" 2>/dev/null
fi
# DOMAIN:USER:PASSWORD, as pyspnego reads it.
printf '%s\n' 'CORP:alice:S3cret päss' 'CORP:周八:bob pw' ':carol@corp.example.com:carol pw' >"$home/users"
for url in https://127.0.0.1:18449/open/ http://127.0.0.1:18088/open/; do serve "$url" 18088 18449 "$home"; done
