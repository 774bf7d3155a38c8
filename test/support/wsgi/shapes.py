"""WSGI applications for tests. Each answers one question; `checked` wraps one of them in wsgiref.validate."""

import json
import os
import signal
import sys
import threading
import time
import warnings
from wsgiref.validate import validator


def echo(environ, start_response):
    """Tells what came: the environment, and the body read in the way that the query names."""
    stream = environ["wsgi.input"]
    how = environ["QUERY_STRING"]
    if how == "lines":
        body = b"|".join(stream.readline(1000000) for _ in range(3))
    elif how == "readlines":
        body = b"|".join(stream.readlines(5))
    elif how == "iter":
        body = b"|".join(line for line in stream)
    elif how == "pieces":
        body = b""
        while True:
            piece = stream.read(7)
            if not piece:
                break
            body += piece + b"|"
    elif how == "unread":
        body = b""
    else:
        body = stream.read(10000000)
    names = [name for name in environ if isinstance(environ[name], (str, bool, tuple))]
    lines = ["%s=%r" % (name, environ[name]) for name in sorted(names)]
    head = "\n".join(lines).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Length", str(len(body)))])
    return [head, b"\n\n", body]


checked_echo = validator(echo)


def checked_anywhere(environ, start_response):
    """`echo` under wsgiref.validate, whose warnings are errors; PEP 3333 wants these names filled."""
    for name in ("SERVER_NAME", "SERVER_PORT"):
        assert environ[name], "%s is empty" % name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return checked_echo(environ, start_response)


def plain(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"plain"]


def nothing(environ, start_response):
    start_response("204 No Content", [])
    return []


def unchanged(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"a"')])
    return []


def written(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"one ")
    write(b"two ")
    return [b"three"]


def streamed(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b""
    yield b"one "
    yield b"two"


def cookies(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", " b=2 "), ("Server", "mine")]
    start_response("200 OK", headers)
    return [environ.get("HTTP_COOKIE", "").encode("latin-1")]


def checked(environ, start_response):
    """All shapes under wsgiref.validate."""
    shapes = {"/echo": echo, "/plain": plain, "/written": written, "/streamed": streamed, "/cookies": cookies}
    shapes.update({"/nothing": nothing, "/unchanged": unchanged})
    return validator(shapes[environ["PATH_INFO"]])(environ, start_response)


class Closing:
    """An iterable that tells when it was closed."""

    def __init__(self, blocks, errors):
        self.blocks = iter(blocks)
        self.errors = errors

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        print("closed", file=self.errors)


def _failing():
    yield b"some"
    raise RuntimeError("in the middle")


def _endless():
    while True:
        yield b"x" * 65536


def files(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"), 100)


def faults(environ, start_response):
    path = environ["PATH_INFO"]
    errors = environ["wsgi.errors"]
    good = [("Content-Type", "text/plain")]
    if path == "/raise":
        raise RuntimeError("nothing was begun")
    if path == "/raise-late":
        start_response("200 OK", good)
        return Closing(_failing(), errors)
    if path == "/replace":
        try:
            start_response("200 OK", good)
            raise KeyError("replaced")
        except KeyError:
            start_response("503 Sorry", good, sys.exc_info())
        return [b"sorry"]
    if path == "/replace-late":
        write = start_response("200 OK", good)
        write(b"some")
        try:
            raise KeyError("too late")
        except KeyError:
            start_response("500 Sorry", good, sys.exc_info())
        return []
    if path == "/twice":
        start_response("200 OK", good)
        start_response("200 OK", good)
        return []
    if path == "/never-started":
        return [b"block"]
    if path == "/text":
        start_response("200 OK", good)
        return ["text"]
    if path == "/injection":
        start_response("200 OK", good + [("X-Evil", "a\r\nSet-Cookie: evil=1")])
        return []
    if path == "/injection-status":
        start_response("200 OK\r\nX-Evil: 1", good)
        return []
    if path == "/injection-name":
        start_response("200 OK", good + [("X-Evil: 1\r\nX", "a")])
        return []
    if path == "/hop":
        start_response("200 OK", good + [("Connection", "close")])
        return []
    if path == "/interim":
        start_response("100 Continue", good)
        return []
    if path == "/short":
        start_response("200 OK", good + [("Content-Length", "10")])
        return Closing([b"12345"], errors)
    if path == "/long":
        start_response("200 OK", good + [("Content-Length", "5")])
        return Closing([b"123", b"456", b"789"], errors)
    if path == "/long-write":
        write = start_response("200 OK", good + [("Content-Length", "5")])
        write(b"1234567")
        return []
    if path == "/lengths":
        start_response("200 OK", good + [("Content-Length", "5"), ("Content-Length", "6")])
        return [b"12345"]
    if path == "/exit":
        sys.exit(3)
    if path == "/die":
        start_response("200 OK", good)
        return _dying()
    if path == "/die-before":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/endless":
        start_response("200 OK", good)
        return Closing(_endless(), errors)
    if path == "/asleep":
        threading.Event().wait()
    if path == "/errors":
        errors.write("a line\nand ")
        errors.writelines(["another\n", "half"])
        errors.flush()
    if path == "/print":
        print("to the log", file=errors)
    start_response("200 OK", good)
    return [b"pid %d" % os.getpid()]


def _dying():
    yield b"some"
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def pair(environ, start_response):
    """Answers when two requests are here at the same time."""
    _barrier.wait(60)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [threading.current_thread().name.encode()]


_barrier = threading.Barrier(2)


def early(environ, start_response):
    """Answers before it reads the body, then echoes line by line."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"ready\n"
    for line in environ["wsgi.input"]:
        yield b"got " + line


def surroundings(environ, start_response):
    """What the options of the container have made of the process."""
    told = {
        "prefix": sys.prefix,
        "path": sys.path[:2],
        "cwd": os.getcwd(),
        "env": os.environ.get("SQUALL_TEST"),
        "home": os.environ.get("HOME"),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


def who(environ, start_response):
    """Who is signed in, by squall's cookie."""
    from squall_wsgi import signed_cookie

    user = signed_cookie.get(environ, "user")
    fresh = signed_cookie.create("user", "from Python")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Signed", fresh)])
    return [repr(user).encode()]


def decoded(environ, start_response):
    """Who is signed in, and nothing else."""
    from squall_wsgi import signed_cookie

    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(signed_cookie.get(environ, "user")).encode()]


class Holder:
    application = staticmethod(plain)


def make():
    return plain


not_callable = 5
