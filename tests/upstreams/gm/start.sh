#!/usr/bin/env bash
# SM2, SM3 and SM4: gmssl (PyPI), and OpenSSL for SM2 in ASN.1, at http://127.0.0.1:18093.
set -euo pipefail
cd "$(dirname "$0")"
NAME=gm
. ../python-server.sh
install gmssl 'gmssl==3.2.2' 'pycryptodomex==3.24.2'
serve http://127.0.0.1:18093/ 18093 "$home"
