"""One request of a WSGI server, passed on over HTTP/1.1 (RFC 9112), and its response.

The peer is squall, so what it sends is read strictly: whatever is odd ends the exchange.

Fields of one connection (RFC 9110 §7.6.1) are not passed on in either direction. X-Real-Ip and X-Scheme tell who
the client is, and squall believes them on this socket; what the client itself says in those fields is left out.
"""

import re
import select
from urllib.parse import quote, unquote_to_bytes

_CHUNK = 65536

#: How much of a body is asked for at once. `wsgi.input.read()` may wait until all of it is there.
_PIECE = 16384

#: The longest head of a response.
_LONGEST_HEAD = 262144

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_TARGET = re.compile(r"[\x00-\x20\x7f-\uffff]")
_DIGITS = re.compile(r"[0-9]{1,15}")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,12}")
_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-5][0-9][0-9]) ([^\x00-\x08\x0a-\x1f\x7f]*)")

_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    " transfer-encoding upgrade".split()
)

#: What says who the client is, or was the business of the WSGI server.
_NOT_PASSED_ON = _HOP_BY_HOP | frozenset(
    "expect host x-real-ip x-forwarded-for x-scheme x-forwarded-proto".split()
)


class BadRequest(Exception):
    """The request cannot be passed on."""


class SquallError(Exception):
    """There is no squall process, or it said something that is not HTTP."""


class BadInput(OSError):
    """The client has left before its request was whole."""


class BrokenResponse(Exception):
    """The response has ended before it was whole. The WSGI server, which gets it, breaks its own off as well."""


class Exchange:
    """An iterable of the response's body, once `read_head()` has returned."""

    def __init__(self, environ, timeout):
        self._timeout = timeout
        self._input = environ["wsgi.input"]
        self._method = environ["REQUEST_METHOD"]
        #: How much of the request's body is to be sent; None if it ends with the input.
        self._body_left = _body_length(environ)
        self._chunked = self._body_left is None
        self._body_done = self._body_left == 0
        #: squall has not said yet that it wants the body.
        self._is_asking = not self._body_done
        #: What is to be sent before more is read from the input.
        self._out = _request_head(environ, self._method, self._body_left)
        self._connection = None
        self._give_back = None
        self._poll = None
        self._buffer = b""
        self._ended = False
        #: How the body of the response is framed: its length, "chunked", or "close".
        self._framing = 0
        self._keep_alive = False
        self._whole = False

    def begin(self, connection, give_back):
        self._connection = connection
        self._give_back = give_back

    def read_head(self):
        """Returns status and headers; raises SquallError, OSError or TimeoutError."""
        while True:
            while b"\r\n\r\n" not in self._buffer:
                if len(self._buffer) > _LONGEST_HEAD:
                    raise SquallError("the head of squall's response is too long")
                if self._ended:
                    raise SquallError("squall closed the connection without a response")
                self._move()
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            status, headers = self._parse(head.decode("latin-1").split("\r\n"))
            if status is not None:
                return status, headers

    def __iter__(self):
        try:
            yield from self._blocks()
        finally:
            self.close()

    def close(self):
        """Ends the exchange. Unless both messages are whole the connection is closed, which a handler notices."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._whole and self._keep_alive and self._body_done and not self._out and not self._buffer:
            self._give_back(connection)
        else:
            connection.close()

    def _blocks(self):
        if self._framing == "chunked":
            yield from self._chunks()
        elif self._framing == "close":
            while not self._ended:
                if self._buffer:
                    block, self._buffer = self._buffer, b""
                    yield block
                self._move()
            if self._buffer:
                yield self._buffer
                self._buffer = b""
        else:
            yield from self._counted(self._framing)
        self._whole = True

    def _counted(self, left):
        while left > 0:
            while not self._buffer:
                self._need()
            block, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(block)
            yield block

    def _chunks(self):
        while True:
            size = self._line().partition(b";")[0].strip()
            if not _SIZE.fullmatch(size):
                raise BrokenResponse("squall sent an invalid chunk")
            length = int(size, 16)
            if length == 0:
                # A trailer section has no place in WSGI.
                while self._line():
                    pass
                return
            yield from self._counted(length)
            if self._line():
                raise BrokenResponse("squall sent an invalid chunk")

    def _line(self):
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_HEAD:
                raise BrokenResponse("squall sent an invalid chunk")
            self._need()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _need(self):
        if self._ended:
            raise BrokenResponse("squall closed the connection before its response was whole")
        self._move()

    def _parse(self, lines):
        match = _STATUS_LINE.fullmatch(lines[0])
        if match is None:
            raise SquallError("squall sent an invalid status line")
        code, reason = match.groups()
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            value = value.strip(" \t")
            if not colon or not _TOKEN.fullmatch(name) or _BAD_VALUE.search(value):
                raise SquallError("squall sent an invalid header")
            headers.append((name, value))
        if code == "101":
            raise SquallError("squall switched to another protocol, which a WSGI server cannot do")
        if code[0] == "1":
            if code == "100":
                self._is_asking = False
            return None, None
        fields = {}
        for name, value in headers:
            fields.setdefault(name.lower(), []).append(value)
        connection = _members(fields.get("connection", []))
        self._keep_alive = "close" not in connection
        self._framing = self._frame(code, fields)
        left_out = _HOP_BY_HOP | connection
        return "%s %s" % (code, reason), [item for item in headers if item[0].lower() not in left_out]

    def _frame(self, code, fields):
        if self._method == "HEAD" or code in ("204", "304"):
            return 0
        if "transfer-encoding" in fields:
            return "chunked"
        if "content-length" in fields:
            (length,) = fields["content-length"]
            return int(length)
        self._keep_alive = False
        return "close"

    def _move(self):
        """Waits until something can be received or sent, and does that. The response goes first."""
        if self._connection is None:
            raise BrokenResponse("the exchange is over")
        if not self._out and not self._body_done and not self._is_asking:
            if not _is_ready(self._connection, select.POLLIN, 0):
                self._read_body()
        wanted = select.POLLIN | (select.POLLOUT if self._out else 0)
        ready = _is_ready(self._connection, wanted, self._timeout)
        if not ready:
            raise TimeoutError("squall did nothing for %s seconds" % self._timeout)
        if ready & ~select.POLLOUT:
            try:
                data = self._connection.recv(_CHUNK)
            except BlockingIOError:
                return
            self._buffer += data
            self._ended = not data
        else:
            try:
                self._out = self._out[self._connection.send(self._out) :]
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                # squall has answered early, and does not want the rest. What it said is still to be read.
                self._out = b""
                self._body_done = True
                self._keep_alive = False

    def _read_body(self):
        piece = self._input.read(_PIECE if self._body_left is None else min(_PIECE, self._body_left))
        if self._chunked:
            self._body_done = not piece
            self._out = b"%x\r\n%s\r\n" % (len(piece), piece)
            return
        if not piece:
            raise BadInput("the body of the request has ended before its Content-Length")
        self._body_left -= len(piece)
        self._body_done = self._body_left == 0
        self._out = piece


def _is_ready(connection, events, seconds):
    """Which of the events have come, within a time; the end of the connection counts always."""
    poll = select.poll()
    poll.register(connection, events)
    for _, ready in poll.poll(None if seconds is None else seconds * 1000):
        return ready
    return 0


def _body_length(environ):
    """The length of the request's body; None for one that ends with the input."""
    text = environ.get("CONTENT_LENGTH") or ""
    if text:
        if not _DIGITS.fullmatch(text):
            raise BadRequest("invalid CONTENT_LENGTH")
        return int(text)
    if not environ.get("wsgi.input_terminated"):
        return 0
    may_follow = environ.get("HTTP_TRANSFER_ENCODING") or environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH")
    return None if may_follow else 0


def _request_head(environ, method, length):
    if not _TOKEN.fullmatch(method):
        raise BadRequest("invalid method")
    lines = ["%s %s HTTP/1.1" % (method, _target(environ))]
    left_out = _NOT_PASSED_ON | _members([environ.get("HTTP_CONNECTION", "")])
    fields = [("Host", environ.get("HTTP_HOST") or _server(environ))]
    if environ.get("CONTENT_TYPE"):
        fields.append(("Content-Type", environ["CONTENT_TYPE"]))
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:].replace("_", "-")
            if name.lower() not in left_out and name not in ("CONTENT-TYPE", "CONTENT-LENGTH"):
                fields.append((name.title(), value))
    if environ.get("REMOTE_ADDR"):
        fields.append(("X-Real-Ip", environ["REMOTE_ADDR"]))
    fields.append(("X-Scheme", environ["wsgi.url_scheme"]))
    if length is None:
        fields.append(("Transfer-Encoding", "chunked"))
    if length != 0:
        # Reading the input may take as long as the client likes, so squall is asked first (RFC 9110 §10.1.1).
        fields.append(("Expect", "100-continue"))
    if length is not None and (length > 0 or method in ("POST", "PUT", "PATCH")):
        fields.append(("Content-Length", str(length)))
    for name, value in fields:
        if not _TOKEN.fullmatch(name) or _BAD_VALUE.search(value):
            raise BadRequest("the header %s cannot be passed on" % name)
        lines.append("%s: %s" % (name, value))
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise BadRequest("the request holds text that is not latin-1") from None


def _target(environ):
    """The target as the client sent it, if the server tells it; else made of the decoded path."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    for key in ("RAW_URI", "REQUEST_URI"):
        raw = environ.get(key, "")
        raw_path, _, raw_query = raw.partition("?")
        if raw.startswith("/") and not _BAD_TARGET.search(raw) and raw_query == query:
            if unquote_to_bytes(raw_path).decode("latin-1") == path:
                return raw
    target = quote(path.encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~") or "/"
    if query:
        target += "?" + query
    if not target.startswith("/") or _BAD_TARGET.search(target):
        raise BadRequest("the target of the request cannot be passed on")
    return target


def _server(environ):
    default = "443" if environ["wsgi.url_scheme"] == "https" else "80"
    port = environ["SERVER_PORT"]
    return environ["SERVER_NAME"] + ("" if port == default else ":" + port)


def _members(values):
    return {member.strip().lower() for value in values for member in value.split(",") if member.strip()}
