"""Asks questions over HTTPS with Python's http.client and ssl, and says in JSON what Python itself knows of each connection."""

import hashlib
import http.client
import json
import socket
import ssl
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)


def context_of(ask):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[ask["version"].replace(".", "_")]
    context.load_verify_locations(ask["ca"])
    context.set_alpn_protocols(["h2" if ask["http"] == "h2" else "http/1.1"])
    if "ciphers" in ask:
        context.set_ciphers(ask["ciphers"])
    if "identity" in ask:
        context.load_cert_chain(ask["identity"]["cert"], ask["identity"]["key"])
    return context


class Connection(http.client.HTTPSConnection):
    """To 127.0.0.1, whatever the name is; offers a session."""

    session = None

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host, session=self.session)


def facts(tls):
    return {
        "protocol": tls.version(),
        "cipher": tls.cipher()[0],
        "alpn": tls.selected_alpn_protocol() or "",
        "resumed": tls.session_reused,
        "serverFingerprint": hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest(),
    }


def over_http1(ask, context, session=None):
    connection = Connection(ask["serverName"], ask["port"], context=context)
    connection.session = session
    connection.connect()
    told, tls = facts(connection.sock), connection.sock
    try:
        connection.request("GET", ask["path"], headers={"Connection": "close"})
        response = connection.getresponse()
        # With the last octet the connection is closed, and its session gone.
        session = tls.session
        told["status"], told["body"] = response.status, response.read().decode()
        return told, session
    finally:
        connection.close()


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
# ":status" as RFC 7541 encodes it: indexed, and by the index of its name with a literal.
STATUSES = {b"\x88": 200, b"\x48\x03403": 403}


def frame(kind, flags, stream, payload=b""):
    """RFC 9113 4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(index, text):
    """RFC 7541 6.2.2: without indexing, the name by its index."""
    return bytes([index, len(text)]) + text.encode()


def frames(stream):
    while len(head := stream.read(9)) == 9:
        yield head[3], head[4], stream.read(int.from_bytes(head[:3], "big"))


def over_http2(ask, context):
    """http.client knows no HTTP/2: one request by hand, over Python's TLS."""
    connection = Connection(ask["serverName"], ask["port"], context=context)
    connection.connect()
    tls = connection.sock
    told = facts(tls)
    # :method GET and :scheme https by their indices, then :authority and :path.
    fields = b"\x82\x87" + literal(1, "{serverName}:{port}".format(**ask)) + literal(4, ask["path"])
    tls.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, fields))
    body, kinds = b"", []
    for kind, flags, payload in frames(tls.makefile("rb")):
        kinds.append(kind)
        if kind == SETTINGS and not flags & 1:
            tls.sendall(frame(SETTINGS, 1, 0))
        if kind == HEADERS:
            told["status"] = next(status for code, status in STATUSES.items() if payload.startswith(code))
        if kind == DATA:
            body += payload
        if kind in (DATA, HEADERS) and flags & 1:
            break
    tls.sendall(frame(GOAWAY, 0, 0, bytes(8)))
    connection.close()
    if "status" not in told:
        raise ConnectionResetError("no answer, frames: %s" % kinds)
    if kinds[0] != SETTINGS:
        raise ValueError("SETTINGS did not come first: %s" % kinds)
    told["body"] = body.decode()
    return told


def answer(ask):
    context = context_of(ask)
    if ask["http"] == "h2":
        return over_http2(ask, context)
    told, session = over_http1(ask, context)
    return told if "again" not in ask else over_http1(ask, context, session)[0]


def result(ask):
    try:
        return {"answer": answer(ask)}
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine) as error:
        return {"refused": repr(error)}
    except Exception as error:
        return {"failed": repr(error)}


print(json.dumps([result(ask) for ask in json.load(sys.stdin)]))
