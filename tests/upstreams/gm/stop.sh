#!/usr/bin/env bash
# Stops what start.sh started, by its process id.
cd "$(dirname "$0")"
NAME=gm
. ../python-server.sh
stop
