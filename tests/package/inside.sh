#!/bin/bash
# Runs in the container of tests/package/run, under its systemd, as an administrator would at the first hour. Ends the container
# with 0 when everything was as it should be, and with 1 at the first thing that was not.
set -uo pipefail
exec >/root/said 2>&1

failed() {
  echo "FAILED: $*"
  echo '--- doorward.service'
  journalctl --no-pager -o cat -u doorward.service | tail -n 30
  systemctl exit 1
  exit 1
}
# expect WHAT COMMAND...: the command succeeds.
expect() { local what=$1; shift; "$@" >/root/out 2>&1 || { cat /root/out; failed "$what"; }; echo "ok: $what"; }
# refuse WHAT COMMAND...: the command fails.
refuse() { local what=$1; shift; if "$@" >/root/out 2>&1; then cat /root/out; failed "$what"; fi; echo "ok: $what"; }
# equal WHAT WANTED COMMAND...: it prints just this.
equal() { local what=$1 wanted=$2 got; shift 2; got=$("$@" 2>&1); [ "$got" = "$wanted" ] || failed "$what: $got, not $wanted"; echo "ok: $what"; }
owned() { stat -c '%U:%G %a' "$1"; }
shown() { systemctl show doorward.service -P "$1"; }

expect 'the package installs' dpkg --install /root/doorward.deb
equal '/etc/doorward is for the daemon to read' 'root:doorward 2750' owned /etc/doorward
equal 'the credentials are for root alone' 'root:root 700' owned /etc/doorward/credentials
equal 'the sample is not for everybody' 'root:doorward 640' owned /etc/doorward/doorward.example.yaml
expect 'the daemon has an account that nobody logs in to' grep -q '^doorward:.*/usr/sbin/nologin$' /etc/passwd
equal 'it does not start by itself' inactive systemctl is-active doorward
expect 'manual pages, completions' ls /usr/share/man/man1/doorward-serve.1* /usr/share/bash-completion/completions/doorward

# Without a configuration: one clear line, no loop of restarts.
refuse 'systemctl start says that it does not start' systemctl start doorward
equal 'no configuration, no start' 4 shown ExecMainStatus
equal 'and no second try' 0 shown NRestarts
expect 'and the journal says what to do' bash -c 'journalctl -o cat -u doorward | grep -q "doorward init"'
systemctl reset-failed doorward

# As docs/operation.md says: a configuration, a connector, a certificate whose key is for root alone.
umask 022
expect 'doorward init' doorward init /etc/doorward
token=$(sed -n 's/^ *token: *//p' /root/out)
[ -n "$token" ] || failed 'init shows the token'
equal 'the configuration is not for everybody' 'root:doorward 640' owned /etc/doorward/doorward.yaml
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout /etc/doorward/credentials/server.key -out /etc/doorward/server.pem 2>/dev/null
sed -i '/^listen:/d' /etc/doorward/doorward.yaml
cat >>/etc/doorward/doorward.yaml <<YAML
listen: [ "0.0.0.0:8443", "unix:/run/doorward/doorward.sock" ]
tls: { cert_file: server.pem, key_file: /run/credentials/doorward.service/secret_server.key }
egress: { allow: [ 127.0.0.0/8 ] }
audit: { file: /var/lib/doorward/logins.jsonl, user_name: clear }
YAML
cat >/etc/doorward/connectors/office.yaml <<'YAML'
version: 1
settings: { base: "http://127.0.0.1:8080" }
steps:
  - name: login
    variables: "env.password = user.userPassword"
    request:
      method: POST
      url: "${base}/login"
      body: { form: { user: "{{user.username}}", password: "{{env.password}}" } }
    response:
      format: json
      reject: [{ when: { field: code, equals: 500 }, reason: invalid_credentials }]
      success: { all: [{ field: code, equals: 200 }] }
YAML
perl /root/upstream.pl & upstream=$!

expect 'it starts' systemctl enable --now doorward
expect 'it is ready' doorward health --ready --config /etc/doorward/doorward.yaml
login() { # login PASSWORD: the verdict of zhangsan with it
  curl --silent --max-time 20 --cacert /etc/doorward/server.pem --header "Authorization: Bearer $token" --json "{\"username\":\"zhangsan\",\"password\":\"$1\"}" \
    https://localhost:8443/v1/connectors/office/authenticate | sed -E 's/.*"verdict":"([a-z]+)".*/\1/'
}
equal 'the right password' accept login 123456
equal 'a wrong password' reject login 654321
call() { curl --silent --fail --max-time 20 "$@"; }
sandbox() { curl --silent --cacert /etc/doorward/server.pem https://localhost:8443/readyz | sed -E 's/.*"sandbox":"([a-z]+)".*/\1/'; }
# Without securityfs nobody says beforehand whether the kernel has Landlock.
if [ -e /root/landlock-unknown ]; then expect 'the daemon says how scripts are held in' grep -Eqx 'whole|partial' <(sandbox)
else equal 'the unit lets scripts be held in by all that the kernel has' "$([ -e /root/landlock ] && echo whole || echo partial)" sandbox; fi

# The key is read by systemd, not by the daemon's account; the socket is for its group.
refuse 'the daemon cannot read the key on the disk' setpriv --reuid doorward --regid doorward --clear-groups cat /etc/doorward/credentials/server.key
useradd console && useradd stranger && usermod --append --groups doorward-clients console
as() { local who=$1; shift; runuser --user "$who" -- "$@"; }
equal 'the directory of the socket' 'doorward:doorward-clients 750' owned /run/doorward
equal 'the socket' 'doorward:doorward-clients 660' owned /run/doorward/doorward.sock
expect 'a member of doorward-clients calls over the socket' as console curl -sf --unix-socket /run/doorward/doorward.sock http://localhost/healthz
refuse 'and reads nothing of the configuration' as console cat /etc/doorward/doorward.yaml
refuse 'a stranger does not call' as stranger curl -sf --unix-socket /run/doorward/doorward.sock http://localhost/healthz
equal 'the audit directory' 'doorward:doorward-clients 700' owned /var/lib/doorward
expect 'the audit trail has the logins' grep -q '"verdict":"accept"' /var/lib/doorward/logins.jsonl

# Every day after.
pid=$(shown MainPID)
cp /etc/doorward/connectors/office.yaml /etc/doorward/connectors/second.yaml
expect 'systemctl reload' systemctl reload doorward
expect 'a new connector is served' bash -c "until [ \"\$(curl -s -o /dev/null -w '%{http_code}' --cacert /etc/doorward/server.pem -H 'Authorization: Bearer $token' \
  --json '{\"username\":\"zhangsan\",\"password\":\"123456\"}' https://localhost:8443/v1/connectors/second/authenticate)\" != 404 ]; do :; done"
equal 'by the same process' "$pid" shown MainPID
expect 'systemctl restart' systemctl restart doorward
equal 'it is there again' accept login 123456
expect 'the exposure that systemd sees is small' systemd-analyze security --no-pager --threshold=20 doorward.service
expect 'dpkg installs it over itself' dpkg --install /root/doorward.deb
equal 'and it runs on' accept login 123456
expect 'systemctl stop' systemctl stop doorward
equal 'an orderly end' 0 shown ExecMainStatus
refuse 'no socket is left' test -e /run/doorward/doorward.sock
kill "$upstream"
expect 'the package goes' dpkg --purge doorward
expect 'the audit trail stays' test -s /var/lib/doorward/logins.jsonl -a -e /etc/doorward/doorward.yaml
echo 'all as expected'
systemctl exit 0
