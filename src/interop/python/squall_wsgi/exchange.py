"""One request: the server's side of PEP 3333 over a channel.

The head of the response is sent with its first block, or when the iterable has ended, so that an error before
it can still become another response. A block is sent before the next one is asked for.
"""

import functools
import re
import traceback

from . import frames
from .streams import ClientDisconnected, Errors, FileWrapper, Input

#: Status and values are made of octets, of which none could end a line: the head is sent as lines.
_STATUS = re.compile(r"[2-5][0-9][0-9]( [\x20-\x7e\x80-\xff]*)?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x09\x20-\x7e\x80-\xff]*")
_LENGTH = re.compile(r"[0-9]{1,15}")

#: Fields of one connection (RFC 2616 §13.5.1), which are the server's: "a fatal error" (PEP 3333, "Other HTTP
#: Features").
_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer trailers transfer-encoding"
    " upgrade".split()
)

#: What of a traceback is sent.
_LONGEST_TRACEBACK = 65536


class Exchange:
    """Runs the application for one request."""

    def __init__(self, channel, environ):
        self._channel = channel
        self.input = Input(channel)
        self._errors = Errors(channel)
        environ["wsgi.version"] = (1, 0)
        environ["wsgi.input"] = self.input
        environ["wsgi.input_terminated"] = True
        environ["wsgi.errors"] = self._errors
        environ["wsgi.run_once"] = False
        environ["wsgi.file_wrapper"] = FileWrapper
        self._environ = environ
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"
        self._status = None
        self._headers = None
        self._head_sent = False
        #: What Content-Length says, or None.
        self._length = None
        self._written = 0

    def run(self, application):
        """Serves the request to its end; False if the channel cannot be used any more."""
        try:
            last = self._respond(application)
            self._errors.end()
            self._channel.send(last)
        except OSError:
            # squall is gone, or does not want this worker any more.
            return False
        return self.input.discard()

    def _respond(self, application):
        """Sends the response, and returns its last frame."""
        try:
            result = application(self._environ, self.start_response)
            try:
                self._send_blocks(result)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
            return frames.END, b""
        except BaseException:
            # Also SystemExit and KeyboardInterrupt: an application does not end the server.
            if self.input.aborted or self.input.client_left():
                return frames.END, b""
            text = traceback.format_exc()[-_LONGEST_TRACEBACK:]
            return frames.EXCEPTION, text.encode("utf-8", "backslashreplace")

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333, "The start_response() Callable"."""
        if exc_info is not None:
            try:
                if self._head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no circle of frame and traceback
        elif self._status is not None:
            raise AssertionError("start_response() was called a second time without exc_info")
        length = _check_head(status, headers)
        self._status, self._headers, self._length = status, list(headers), length
        return self._write

    def _write(self, block):
        """The write() callable."""
        _check_block(block)
        if self._length is not None and self._written + len(block) > self._length:
            self._send(block[: self._length - self._written])
            raise ValueError("write() was given more than the Content-Length of %d" % self._length)
        self._send(block)

    def _send_blocks(self, result):
        try:
            count = len(result)
        except TypeError:
            count = None
        for block in result:
            _check_block(block)
            if self._status is None:
                raise AssertionError("a block was yielded before start_response() was called")
            if count == 1 and not self._head_sent and self._length is None and self._has_content():
                self._set_length(len(block))
            if self._length is not None:
                block = block[: self._length - self._written]
            if block:
                self._send(block)
            if self._head_sent and self._written == self._length:
                break
        if self._status is None:
            raise AssertionError("the application returned without a call of start_response()")
        if not self._head_sent:
            if self._length is None and self._has_content() and not self._is_head:
                self._set_length(0)
            self._channel.send((frames.HEAD, self._head()))
            self._head_sent = True
        expects = self._length is not None and self._has_content() and not self._is_head
        if expects and self._written < self._length:
            counts = self._written, self._length
            raise ValueError("the response ended after %d of the %d bytes that Content-Length says" % counts)

    def _has_content(self):
        return self._status[:3] not in ("204", "304")

    def _set_length(self, length):
        self._length = length
        self._headers.append(("Content-Length", str(length)))

    def _head(self):
        lines = [self._status]
        for name, value in self._headers:
            lines.append(name)
            lines.append(value)
        return "\n".join(lines).encode("latin-1")

    def _send(self, block):
        self._written += len(block)
        out = []
        if not self._head_sent:
            out.append((frames.HEAD, self._head()))
            self._head_sent = True
        elif self.input.client_left():
            raise ClientDisconnected("the client has left before the response was whole")
        if not self._is_head and self._has_content():
            if len(block) <= frames.PIECE:
                out.append((frames.DATA, block))
            else:
                view = memoryview(block)
                for at in range(0, len(block), frames.PIECE):
                    out.append((frames.DATA, view[at : at + frames.PIECE]))
        if len(out) == 2 and len(out[1][1]) <= frames.SMALL:
            self._channel.send(*out)
        else:
            for frame in out:
                self._channel.send(frame)


def _check_block(block):
    if not isinstance(block, bytes):
        raise TypeError("the body of a response is made of bytes, got %s" % type(block).__name__)


def _check_head(status, headers):
    """Refuses what could not be sent, or would be read as something else; returns the Content-Length, or None."""
    if not isinstance(status, str):
        raise TypeError("the status must be text, got %s" % type(status).__name__)
    if not _STATUS.fullmatch(status):
        raise ValueError("the status must be a code from 200 to 599 and a reason, got %r" % status)
    if not isinstance(headers, list):
        raise TypeError("the headers must be a list, got %s" % type(headers).__name__)
    lengths = set()
    for item in headers:
        if not isinstance(item, tuple) or len(item) != 2:
            raise TypeError("a header must be a tuple of name and value, got %r" % (item,))
        name, value = item
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("name and value of a header must be text, got %r" % (item,))
        lower = _check_name(name)
        if not _VALUE.fullmatch(value):
            raise ValueError("the value of the header %s cannot be sent: %r" % (name, value))
        if lower == "content-length":
            lengths.add(value.strip())
    return _content_length(lengths) if lengths else None


@functools.lru_cache(maxsize=256)
def _check_name(name):
    """The name in lower case. An application has few, which come again and again."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("%r cannot be the name of a header" % name)
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise ValueError("the header %s belongs to the server" % name)
    return lower


def _content_length(values):
    (value,) = values if len(values) == 1 else (", ".join(sorted(values)),)
    if not _LENGTH.fullmatch(value):
        raise ValueError("the Content-Length of the response is %r" % value)
    return int(value)
