"""An API server on loopback: real HTTP and WebSockets, with answers of a test."""

import base64
import datetime
import hashlib
import ipaddress
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websocket import ABNF, WebSocket, WebSocketException

# Source: RFC 6455, section 1.3.
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TOKEN = "a-token"  # noqa: S105 - of a server on loopback


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    token: str
    content_type: str = ""
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What it is answered; with `is_cut` the connection breaks before the end."""

    chunks: tuple[bytes, ...]
    status: int = 200
    is_cut: bool = False


def an_object(body: Any, status: int = 200) -> Answer:
    return Answer(chunks=(json.dumps(body).encode(),), status=status)


def a_refusal(code: int, message: str) -> Answer:
    return an_object({"kind": "Status", "code": code, "message": message}, code)


def a_stream(*lines: Any, is_cut: bool = False) -> Answer:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return Answer(chunks=tuple(f"{text}\n".encode() for text in texts), is_cut=is_cut)


@dataclass(kw_only=True)
class ApiServer:
    """Gives the answers in their order, and keeps what it was asked.

    `tunnel` is what waits behind a port: it is called with the port and the WebSocket.
    """

    url: str
    authority: Path | None
    answers: deque[Answer] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    tunnel: Callable[[int, "Tunnel"], None] | None = None

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def write_kubeconfig(self, file: Path, *, namespace: str = "lab") -> None:
        cluster = {"server": self.url}
        if self.authority:
            cluster["certificate-authority"] = str(self.authority)
        context = {"cluster": "c", "user": "u", "namespace": namespace}
        document = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "own", "context": context}],
            "current-context": "own",
        }
        file.write_text(yaml.safe_dump(document))


class Tunnel:
    """The server's side of a WebSocket; its frames are not masked."""

    def __init__(self, sock: Any) -> None:
        self._socket = WebSocket()
        self._socket.sock, self._socket.connected = sock, True

    def send(self, channel: int, *parts: bytes) -> None:
        """Send a frame for each part, all of them in one record of TLS."""
        frames = (
            ABNF(1, 0, 0, 0, ABNF.OPCODE_BINARY, 0, bytes([channel]) + part)
            for part in parts
        )
        self._socket.sock.sendall(b"".join(frame.format() for frame in frames))

    def receive(self) -> bytes:
        """Return what came on the data channel, nothing at the end."""
        opcode, frame = self._socket.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            return b""
        assert frame[0] == 0
        return bytes(frame[1:])


class _Handler(BaseHTTPRequestHandler):
    server: "_Listener"
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        url, api = urlsplit(self.path), self.server.api
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query)),
            token=self.headers.get("Authorization", ""),
            content_type=self.headers.get("Content-Type", ""),
            body=json.loads(self.rfile.read(length)) if length else None,
        )
        api.requests.append(request)
        key = self.headers.get("Sec-WebSocket-Key")
        if key and api.tunnel:
            self.upgrade(key)
            with suppress(OSError, WebSocketException):
                self.join(api.tunnel, int(request.query["ports"]))
        elif api.answers:
            self.give(api.answers.popleft())
        else:
            self.give(a_refusal(500, f"no answer for {self.path}"))

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

    def give(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.status >= 400:  # a client of WebSockets reads no chunks
            self.send_header("Content-Length", str(len(answer.chunks[0])))
            self.end_headers()
            self.wfile.write(answer.chunks[0])
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in answer.chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if answer.is_cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def upgrade(self, key: str) -> None:
        digest = hashlib.sha1(f"{key}{WEBSOCKET_GUID}".encode()).digest()  # noqa: S324 - the RFC's
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        protocol = self.headers["Sec-WebSocket-Protocol"]
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()

    def join(self, tunnel: Callable[[int, Tunnel], None], port: int) -> None:
        self.close_connection = True
        far = Tunnel(self.connection)
        for channel in (0, 1):  # each begins with the number of the port
            far.send(channel, port.to_bytes(2, "little"))
        tunnel(port, far)

    def log_message(self, *_: Any) -> None:
        """Keep the output of the tests clean."""


class _Listener(ThreadingHTTPServer):
    def __init__(self, api: ApiServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that go in the middle of an answer."""


@contextmanager
def serving(folder: Path, *, tls: bool = True) -> Iterator[ApiServer]:
    """Give a server until the end of `with`."""
    server = ApiServer(url="", authority=folder / "ca.crt" if tls else None)
    with _Listener(server) as listener:
        if server.authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*_write_certificate(server.authority))
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
        port = listener.server_address[1]
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _write_certificate(file: Path) -> tuple[Path, Path]:
    """Write a certificate that signs itself; return its file and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = file.with_suffix(".key")
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file, secret
