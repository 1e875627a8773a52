# How the servers of this folder that are Python programs start and stop; sourced by their start.sh and stop.sh. Not run by itself.
#
# NAME is the folder's. All of it lies in $home; what was started is known, and stopped, by the process id that is kept there.
home=${UPSTREAMS_RUN:-${TMPDIR:-/tmp}/doorward-upstreams}/$NAME

install() { # install MODULE REQUIREMENT...: a venv in which MODULE can be imported
  local module=$1
  shift
  mkdir -p "$home"
  [ -x "$home/venv/bin/python" ] || python3 -m venv "$home/venv"
  "$home/venv/bin/python" -c "import $module" 2>/dev/null || "$home/venv/bin/pip" install -q "$@"
}

serve() { # serve URL ARGUMENT...: server.py with these arguments, until URL answers
  local url=$1
  shift
  if ! { [ -s "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; }; then
    setsid "$home/venv/bin/python" server.py "$@" >"$home/out.log" 2>&1 </dev/null &
    echo $! >"$home/pid"
  fi
  for _ in $(seq 100); do
    if curl -ks -o /dev/null -m 5 "$url"; then
      echo "$NAME up: pid $(cat "$home/pid")"
      return 0
    fi
    sleep 0.2
  done
  echo "not ready: $(tail -n 1 "$home/out.log")"
  return 1
}

stop() {
  [ -s "$home/pid" ] || return 0
  kill "$(cat "$home/pid")" 2>/dev/null || true
  rm -f "$home/pid"
}
