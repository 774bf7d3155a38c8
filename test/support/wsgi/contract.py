"""The application of the contract of containers (test/contract) in Python, and squall's own behind WSGIAdapter."""

import json
import os

from squall_wsgi.adapter import WSGIAdapter


def application(environ, start_response):
    path = environ["PATH_INFO"]

    def answer(status, body, *headers):
        start_response(status, [("Content-Type", "text/plain"), *headers])
        return [body]

    if path == "/hello":
        return answer("200 OK", b"Hello")
    if path == "/echo":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return iter(lambda: environ["wsgi.input"].read(65536), b"")
    if path == "/request":
        told = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["REQUEST_URI"],
            "host": environ["HTTP_HOST"],
            "test": environ.get("HTTP_X_TEST"),
        }
        return answer("200 OK", json.dumps(told).encode())
    if path == "/cookies":
        return answer("200 OK", b"", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    if path == "/204":
        start_response("204 No Content", [])
        return []
    if path == "/304":
        start_response("304 Not Modified", [("ETag", '"1"')])
        return []
    if path == "/205":
        return answer("205 Reset Content", b"")
    if path == "/303":
        return answer("303 See Other", b"", ("Location", "/hello?a=%20"))
    if path == "/418":
        return answer("418 I'm a Teapot", b"tea")
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"one", b"two", b"three"])
    if path == "/big":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"x" * 50000 for _ in range(40))
    if path == "/split":
        try:
            return answer("200 OK", b"taken", ("X-Bad", "a\r\nX-Injected: b"))
        except ValueError:
            return answer("200 OK", b"refused")
    if path == "/early":
        return answer("413 Content Too Large", b"too much")
    if path == "/break":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return broken()
    raise RuntimeError("boom")


def broken():
    yield b"half"
    raise RuntimeError("boom")


if "SQUALL_SOCKET" in os.environ:
    adapter = WSGIAdapter(socket_path=os.environ["SQUALL_SOCKET"])
