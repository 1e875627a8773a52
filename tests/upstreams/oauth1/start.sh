#!/usr/bin/env bash
# OAuth 1.0a: oauthlib (PyPI) as the provider, at http://127.0.0.1:18092.
set -euo pipefail
cd "$(dirname "$0")"
NAME=oauth1
. ../python-server.sh
install oauthlib 'oauthlib==3.3.1' 'cryptography==50.0.2' 'PyJWT==2.15.1'
if [ ! -s "$home/client.pem" ]; then
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$home/client.pem" 2>/dev/null
  openssl pkey -in "$home/client.pem" -pubout -out "$home/client-public.pem"
fi
serve http://127.0.0.1:18092/ 18092 "$home"
