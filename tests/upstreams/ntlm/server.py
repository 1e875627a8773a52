"""An HTTP server behind NTLM, for tests: pyspnego accepts the login, and this file looks at what pyspnego lets pass.

NTLM authenticates a connection: the messages of one login come over one, and whoever uses it afterwards is that user. The page answers
with the user of its connection and with the connection's number, so a test sees who shares one. Paths: /ntlm/ offers NTLM, /negotiate/ only
Negotiate, /both/ both and Basic, /closing/ closes after the challenge, /open/ asks for nothing.
"""

import base64
import hashlib
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego
from spnego._ntlm_raw.messages import Authenticate, AvId, AvFlags, NTClientChallengeV2
from spnego.channel_bindings import GssChannelBindings

CONNECTIONS = iter(range(1, 1 << 30))
LOCK = threading.Lock()


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with LOCK:
            self.number = next(CONNECTIONS)
        self.login = None
        self.user = None

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, why):
        self.login = self.user = None
        names = {"/negotiate/": ["Negotiate"], "/both/": ['Basic realm="x"', "Negotiate", "NTLM"]}.get(self.path, ["NTLM"])
        self.reply(401, {"error": why}, [("WWW-Authenticate", name) for name in names])

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        given = self.headers.get("Authorization")
        if self.path == "/open/" or (self.user and not given):
            return self.reply(200, {"user": self.user, "connection": self.number})
        if not given:
            return self.refuse("nothing was given")
        scheme, _, token = given.partition(" ")
        if scheme not in ("NTLM", "Negotiate"):
            return self.refuse("another scheme")
        try:
            self.step(scheme, base64.b64decode(token, validate=True))
        except Exception as error:  # whatever is wrong with a message refuses it
            self.refuse(type(error).__name__ + ": " + str(error))

    def step(self, scheme, message):
        if self.login is None:
            self.login = spnego.server(protocol="ntlm", channel_bindings=self.bindings())
            challenge = self.login.step(message)
            more = [("Connection", "close")] if self.path == "/closing/" else []
            self.close_connection = bool(more)
            value = scheme + " " + base64.b64encode(challenge).decode()
            return self.reply(401, {"error": "challenged"}, [("WWW-Authenticate", value), *more])
        login, self.login = self.login, None
        login.step(message)
        self.look(message)
        self.user = login.client_principal
        self.reply(200, {"user": self.user, "connection": self.number})

    def bindings(self):
        return self.server.end_point and GssChannelBindings(application_data=b"tls-server-end-point:" + self.server.end_point)

    def look(self, message):
        """What pyspnego lets pass: no channel binding over TLS, no name of the service, no MIC although it sent a time, an LM response."""
        answer = Authenticate.unpack(message)
        pairs = NTClientChallengeV2.unpack(answer.nt_challenge_response[16:]).av_pairs
        expected = hashlib.md5(self.bindings().pack()).digest() if self.server.end_point else b"\0" * 16
        if pairs.get(AvId.channel_bindings) != expected:
            raise ValueError("not the channel binding of this connection")
        host = self.headers["Host"].rsplit(":", 1)[0]
        if pairs.get(AvId.target_name) != "HTTP/" + host:
            raise ValueError("not this service: %r" % pairs.get(AvId.target_name))
        if AvId.timestamp in pairs:
            if not pairs.get(AvId.flags, 0) & AvFlags.mic:
                raise ValueError("no MIC")
            if answer.lm_challenge_response.strip(b"\0"):
                raise ValueError("an LM response beside a time")


def end_point(certificate):
    """tls-server-end-point (RFC 5929): the certificate is signed with SHA-256."""
    with open(certificate) as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()


def serve(port, certificate=None, key=None):
    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    server.daemon_threads = True
    server.end_point = certificate and end_point(certificate)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


if __name__ == "__main__":
    plain, tls, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.environ["NTLM_USER_FILE"] = os.path.join(folder, "users")
    threading.Thread(target=serve(plain).serve_forever, daemon=True).start()
    serve(tls, os.path.join(folder, "server.crt"), os.path.join(folder, "server.key")).serve_forever()
