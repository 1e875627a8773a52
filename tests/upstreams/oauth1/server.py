"""An OAuth 1.0a provider for tests: oauthlib checks signatures, times, nonces, tokens and verifiers; this file keeps what it asks for.

POST /oauth1/login is two-legged, with the user's name and password in JSON; POST /oauth1/form the same in a form, whose fields are signed.
POST /oauth1/initiate, GET /oauth1/authorize (the browser's page: account and password in the query), POST /oauth1/token and GET /oauth1/user
are three-legged.
"""

import json
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint, WebApplicationServer
from oauthlib.oauth1.rfc5849 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_PLAINTEXT, SIGNATURE_RSA_SHA1

USERS = {"alice": "S3cret päss", "周八": "bob pw+&=%"}
CLIENT = ("doorward-consumer", "demo+secret/ü")
PORT, HOME = int(sys.argv[1]), sys.argv[2]
RSA_KEY = open(HOME + "/client-public.pem").read()


class Kept(RequestValidator):
    enforce_ssl = False
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_RSA_SHA1, SIGNATURE_PLAINTEXT)
    client_key_length = (1, 64)
    nonce_length = (16, 64)
    realms = []
    dummy_client = dummy_request_token = dummy_access_token = "dummy"

    def __init__(self):
        self.nonces, self.requests, self.tokens = set(), {}, {}

    def check_client_key(self, client_key):
        return bool(client_key)

    def check_nonce(self, nonce):
        return 16 <= len(nonce) <= 64

    def validate_client_key(self, client_key, request):
        return client_key == CLIENT[0]

    def get_client_secret(self, client_key, request):
        return CLIENT[1]

    def get_rsa_key(self, client_key, request):
        return RSA_KEY

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        used = (client_key, timestamp, nonce) in self.nonces
        self.nonces.add((client_key, timestamp, nonce))
        return not used

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def verify_realms(self, token, realms, request):
        return True

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == "https://console.example.com/callback"

    def save_request_token(self, token, request):
        self.requests[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "to": request.redirect_uri}

    def verify_request_token(self, token, request):
        return token in self.requests

    def validate_request_token(self, client_key, token, request):
        return token in self.requests

    def get_request_token_secret(self, client_key, token, request):
        return self.requests.get(token, {}).get("secret", "dummy")

    def get_redirect_uri(self, token, request):
        return self.requests[token]["to"]

    def save_verifier(self, token, verifier, request):
        self.requests[token]["verifier"] = verifier["oauth_verifier"]

    def validate_verifier(self, client_key, token, verifier, request):
        return secrets.compare_digest(self.requests.get(token, {}).get("verifier", ""), verifier)

    def invalidate_request_token(self, client_key, request_token, request):
        del self.requests[request_token]

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "user": self.requests[request.resource_owner_key]["user"]}

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, {}).get("secret", "dummy")


KEPT = Kept()
SERVER, SIGNED = WebApplicationServer(KEPT), SignatureOnlyEndpoint(KEPT)


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=None):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        headers = dict(headers or {})
        headers.setdefault("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        uri, headers = f"http://127.0.0.1:{PORT}{self.path}", dict(self.headers.items())
        path = urlsplit(self.path).path
        call = (uri, method, body, headers)
        if (method, path) in [("POST", "/oauth1/login"), ("POST", "/oauth1/form")]:
            # The body is signed if it is a form, and no parameter of OAuth's if it is not.
            form = path.endswith("form")
            valid, _ = SIGNED.validate_request(uri, method, body if form else "", headers)
            if not valid:
                return self.reply(401, {"code": 401, "msg": "the signature is not right", "data": None})
            sent = dict(parse_qsl(body, keep_blank_values=True)) if form else json.loads(body)
            if USERS.get(sent["account"]) != sent["password"]:
                return self.reply(200, {"code": 500, "msg": "wrong", "data": None})
            return self.reply(200, {"code": 0, "msg": "ok", "data": {"account": sent["account"], "name": "A"}})
        if (method, path) == ("POST", "/oauth1/initiate"):
            headers, text, status = SERVER.create_request_token_response(*call)
            return self.reply(status, text or "", headers)
        if (method, path) == ("POST", "/oauth1/token"):
            headers, text, status = SERVER.create_access_token_response(*call)
            return self.reply(status, text or "", headers)
        if (method, path) == ("GET", "/oauth1/authorize"):
            query = dict(parse_qsl(urlsplit(self.path).query))
            if USERS.get(query.get("account")) != query.get("password"):
                return self.reply(403, {})
            KEPT.requests[query["oauth_token"]]["user"] = query["account"]
            uri = uri.split("?")[0] + "?" + urlencode({"oauth_token": query["oauth_token"]})
            headers, text, status = SERVER.create_authorization_response(uri, realms=[])
            return self.reply(status, text or "", headers)
        if (method, path) == ("GET", "/oauth1/user"):
            valid, request = SERVER.validate_protected_resource_request(*call)
            if not valid:
                return self.reply(401, {})
            return self.reply(200, {"account": KEPT.tokens[request.resource_owner_key]["user"], "name": "A"})
        return self.reply(404, {})

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")


ThreadingHTTPServer(("127.0.0.1", PORT), Page).serve_forever()
