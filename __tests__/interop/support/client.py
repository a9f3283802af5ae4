"""One HTTPS request with Python's ssl; says in JSON what Python itself knows of the connection."""

import hashlib
import json
import socket
import ssl
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
options = json.loads(sys.argv[1])
version = ssl.TLSVersion[options["version"].replace(".", "_")]

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.minimum_version = context.maximum_version = version
context.load_verify_locations(options["ca"])
if "ciphers" in options:
    context.set_ciphers(options["ciphers"])
if "cert" in options:
    context.load_cert_chain(options["cert"], options["key"])

with socket.create_connection(("127.0.0.1", options["port"]), timeout=20) as plain:
    with context.wrap_socket(plain, server_hostname=options["serverName"]) as tls:
        request = "GET {path} HTTP/1.1\r\nHost: {serverName}:{port}\r\nConnection: close\r\n\r\n"
        tls.sendall(request.format(**options).encode())
        answer = b""
        while chunk := tls.recv(65536):
            answer += chunk
        told = {"protocol": tls.version(), "cipher": tls.cipher()[0], "answer": answer.decode()}
        told["server"] = hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()
        if "cert" in options:
            own = ssl.PEM_cert_to_DER_cert(open(options["cert"]).read())
            told["own"] = hashlib.sha256(own).hexdigest()
        print(json.dumps(told))
