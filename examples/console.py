#!/usr/bin/env python3
"""A console's side of Doorward, in one file and with nothing but the standard library.

    DOORWARD_TOKEN=dwt_... console.py http://127.0.0.1:8080 corp-4a zhangsan

Standard input gives the password and, a line each, what a challenge asks for (an SMS code, say).

The rule: only status 200 together with `Doorward-Verdict: accept` lets a user in. Everything else, whatever it is,
does not. Exit codes: 0 accept, 1 reject, 2 challenge, 3 unavailable, 4 misconfigured, 64 the call itself is wrong.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

EXIT = {"accept": 0, "reject": 1, "challenge": 2, "unavailable": 3, "misconfigured": 4}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Doorward never redirects; a password must not follow somebody who does."""

    def redirect_request(self, *_):
        return None


def call(base, token, path, asked, timeout):
    """One call: (verdict, body). verdict is None when the call was faulty; body is then a problem (RFC 9457).

    Raises OSError when Doorward cannot be reached: nobody is let in then.
    """
    request = urllib.request.Request(
        f"{base.rstrip('/')}{path}",
        data=json.dumps(asked).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    # No proxy of the environment: the password goes to Doorward and to nobody else.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        reply = opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        reply = error  # every status but 2xx; the body is read all the same
    with reply:
        verdict, body = reply.headers.get("Doorward-Verdict"), json.load(reply)
    if (verdict == "accept") != (reply.status == 200):
        return None, {"title": "status and verdict do not agree; nobody is let in"}
    return verdict, body


def authenticate(base, token, connector, username, password, client_ip=None, timeout=10.0):
    """One login."""
    asked = {"username": username, "password": password, "request_id": str(uuid.uuid4())}
    if client_ip:
        asked["client_ip"] = client_ip
    return call(base, token, f"/v1/connectors/{urllib.parse.quote(connector, safe='')}/authenticate", asked, timeout)


def answer(base, token, challenge, answers, timeout=10.0):
    """Goes on with a login that waits. Each id is good for one answer; a wrong one brings the next id with it."""
    return call(base, token, "/v1/challenges", {"challenge": challenge["id"], "answers": answers}, timeout)


def act(base, token, challenge, action, timeout=10.0):
    """`resend`, `poll` or `cancel`. The first two keep the id."""
    return call(base, token, "/v1/challenges", {"challenge": challenge["id"], "action": action}, timeout)


def ask(challenge):
    """What the user answers, or None when there is nothing more to read."""
    error = challenge.get("error")
    if error:
        print(f"not yet: {error.get('error_message') or error['reason']}", file=sys.stderr)
    print(f"{challenge['type']}: {challenge.get('message') or ''}", file=sys.stderr)
    answers = {}
    for field in challenge["fields"]:
        print(f"{field.get('label') or field['name']}: ", end="", file=sys.stderr)
        line = sys.stdin.readline()
        if not line:
            return None
        answers[field["name"]] = line.rstrip("\n")
    return answers or None


def main():
    if len(sys.argv) != 4 or "DOORWARD_TOKEN" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 64
    base, connector, username = sys.argv[1:]
    password = sys.stdin.readline().rstrip("\n")
    token = os.environ["DOORWARD_TOKEN"]
    try:
        verdict, body = authenticate(base, token, connector, username, password)
        while verdict == "challenge":
            answers = ask(body["challenge"])
            if answers is None:
                break
            verdict, body = answer(base, token, body["challenge"], answers)
    except (OSError, ValueError) as error:
        print(f"unavailable: {error}", file=sys.stderr)
        return EXIT["unavailable"]
    if verdict is None:
        print(f"the call is wrong: {body.get('title')} {body.get('detail') or ''}", file=sys.stderr)
        return 64
    told = body.get("error_message") or body.get("reason") or body.get("cause") or body.get("what") or body.get("subject")
    print(f"{verdict}: {told}")
    return EXIT.get(verdict, 64)


if __name__ == "__main__":
    sys.exit(main())
