"""A server that speaks the Chinese algorithms, for tests: gmssl reads and writes, OpenSSL decrypts SM2 in ASN.1.

POST /sm2/login (C1C3C2 without 04), /sm2/c1c2c3 (with 04), /sm2/asn1; /sm3/login; /sm4/login (CBC both ways); /signed/login and /signed/plain
(SM2 with SM3 over method, path and body, in the header X-Sign as hex).
"""

import base64
import binascii
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gmssl import func, sm2, sm3, sm4

USERS = {"alice": "S3cret päss", "周八": "密码 bob+&=%"}
# The key pair of GB/T 32918.5-2017. gmssl wants the point without 04.
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
PORT, HOME = int(sys.argv[1]), sys.argv[2]


def sec1(private, public):
    """The same key for OpenSSL: RFC 5915 in PEM, with the curve SM2 (1.2.156.10197.1.301)."""
    der = bytes.fromhex("30770201010420" + private + "a00a06082a811ccf5501822da144034200" + "04" + public)
    return "-----BEGIN EC PRIVATE KEY-----\n" + base64.encodebytes(der).decode() + "-----END EC PRIVATE KEY-----\n"


with open(HOME + "/sm2.pem", "w") as file:
    file.write(sec1(PRIVATE, PUBLIC))


def sm3_hex(data):
    return sm3.sm3_hash(func.bytes_to_list(data))


def opened(data, mode):
    key = sm2.CryptSM2(private_key=PRIVATE, public_key=PUBLIC, mode=mode)
    plain = key.decrypt(data)
    # gmssl does not look at the hash, so this does: C3 = SM3(x2, M, y2).
    point, rest = data[:64].hex(), data[64:]
    digest = rest[:32] if mode else rest[-32:]
    shared = key._kg(int(PRIVATE, 16), point)
    if plain is None or sm3_hex(bytes.fromhex(shared[:64]) + plain + bytes.fromhex(shared[64:])) != digest.hex():
        raise ValueError("the ciphertext is not right")
    return plain.decode()


def opened_asn1(data):
    command = ["openssl", "pkeyutl", "-decrypt", "-inkey", HOME + "/sm2.pem"]
    done = subprocess.run(command, input=data, capture_output=True, timeout=20)
    if done.returncode:
        raise ValueError("OpenSSL does not decrypt it: " + done.stderr.decode(errors="replace"))
    return done.stdout.decode()


def crypt(mode, iv, data):
    cipher = sm4.CryptSM4()
    cipher.set_key(SM4_KEY, mode)
    return cipher.crypt_cbc(iv, data)


def outcome(name, right):
    if right:
        return {"code": 200, "msg": "ok", "result": {"token": "t1", "loginName": name, "name": name}}
    return {"code": 500, "msg": "wrong", "result": None}


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply({"code": 0, "data": {"publicKey": "04" + PUBLIC}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.reply(self.answer(body))
        except (ValueError, KeyError, TypeError, AssertionError, binascii.Error) as error:
            self.reply({"code": 400, "msg": type(error).__name__, "result": None})

    def answer(self, body):
        sent = json.loads(body)
        if self.path == "/sm4/login":
            plain = json.loads(crypt(sm4.SM4_DECRYPT, bytes.fromhex(sent["iv"]), base64.b64decode(sent["data"])))
            inner, iv = outcome(plain["username"], USERS.get(plain["username"]) == plain["password"]), os.urandom(16)
            sealed = crypt(sm4.SM4_ENCRYPT, iv, json.dumps(inner, ensure_ascii=False).encode())
            return {"iv": iv.hex(), "data": base64.b64encode(sealed).decode()}
        name, password = sent["username"], sent["password"]
        if self.path == "/sm3/login":
            return outcome(name, name in USERS and sm3_hex(USERS[name].encode()) == password)
        if self.path in ("/signed/login", "/signed/plain"):
            text = f"POST\n{self.path}\n".encode() + body
            key = sm2.CryptSM2(private_key=None, public_key=PUBLIC, asn1=self.path == "/signed/login")
            if not key.verify_with_sm3(self.headers["X-Sign"], text):
                return {"code": 401, "msg": "the signature is not right", "result": None}
            return outcome(name, USERS.get(name) == password)
        data = bytes.fromhex(password)
        if self.path == "/sm2/login":
            return outcome(name, USERS.get(name) == opened(data, 1))
        if self.path == "/sm2/c1c2c3":
            if data[0] != 4:
                raise ValueError("no 04")
            return outcome(name, USERS.get(name) == opened(data[1:], 0))
        if self.path == "/sm2/asn1":
            return outcome(name, USERS.get(name) == opened_asn1(data))
        raise ValueError("no such page")


ThreadingHTTPServer(("127.0.0.1", PORT), Page).serve_forever()
