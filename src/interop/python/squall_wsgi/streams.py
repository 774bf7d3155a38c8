"""`wsgi.input` and `wsgi.errors` (PEP 3333, "Input and Error Streams")."""

import sys
import threading

from . import frames


class ClientDisconnected(OSError):
    """The client has left: there is no more input, and nobody reads the response."""


class Input:
    """The body of a request, read from the channel as the application asks for it.

    Methods return fewer bytes than they were asked for at the end of the body alone. Reading raises
    ClientDisconnected if the client has left before its body was whole.
    """

    def __init__(self, channel):
        self._channel = channel
        #: What is left of the DATA frame that is being read.
        self._left = 0
        #: What was read and not given out.
        self._pending = b""
        #: END or ABORT has come.
        self.ended = False
        self.aborted = False
        self._closed = False

    def read(self, size=-1):
        if size is None or size < 0:
            size = sys.maxsize
        parts = []
        while size > 0:
            part = self._take(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readline(self, size=-1):
        if size is None or size < 0:
            size = sys.maxsize
        parts = []
        while size > 0:
            part = self._take(size)
            if not part:
                break
            newline = part.find(b"\n") + 1
            if newline > 0:
                self._pending = part[newline:] + self._pending
                parts.append(part[:newline])
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readlines(self, hint=-1):
        lines = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def discard(self):
        """Reads over what the application has left; False if the channel has ended."""
        self._closed = True
        self._pending = b""
        while not self.ended:
            if self._left > 0:
                part = self._channel.read_some(self._left)
                if part is None:
                    return False
                self._left -= len(part)
            elif not self._next_frame():
                return False
        return True

    def client_left(self):
        """Whether the client is known to have left; looks without waiting."""
        while not self.aborted and self._left == 0 and self._channel.has_input():
            if not self.ended:
                self._next_frame()
                continue
            # Behind the body only an ABORT can come, or the end of the channel.
            header = self._channel.read_header()
            self.aborted = header is None or header[0] == frames.ABORT
        return self.aborted

    def _take(self, most):
        """From 1 to `most` bytes; none at the end of the body."""
        if self._closed:
            raise ValueError("wsgi.input was read after the request")
        if self._pending:
            part, self._pending = self._pending[:most], self._pending[most:]
            return part
        while self._left == 0:
            if self.aborted:
                raise ClientDisconnected("the client has left before the body of its request was whole")
            if self.ended:
                return b""
            if not self._next_frame():
                raise ClientDisconnected("squall has closed the channel")
        part = self._channel.read_some(min(most, self._left))
        if part is None:
            self.ended = self.aborted = True
            raise ClientDisconnected("squall has closed the channel")
        self._left -= len(part)
        return part

    def _next_frame(self):
        header = self._channel.read_header()
        if header is None:
            self.ended = self.aborted = True
            return False
        kind, length = header
        if kind == frames.DATA:
            self._left = length
        else:
            self.ended = True
            self.aborted = kind == frames.ABORT
        return True


class Errors:
    """Text for squall's log, sent line by line; after the request, standard error output."""

    def __init__(self, channel):
        self._channel = channel
        self._lock = threading.Lock()
        self._text = ""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("wsgi.errors takes text, got %s" % type(text).__name__)
        with self._lock:
            self._text += text
            lines, newline, rest = self._text.rpartition("\n")
            if newline:
                self._text = rest
                self._send(lines)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        with self._lock:
            text, self._text = self._text, ""
            if text:
                self._send(text)

    def end(self):
        """The request is over."""
        self.flush()
        with self._lock:
            self._channel = None

    def _send(self, text):
        if self._channel is None:
            print(text, file=sys.stderr, flush=True)
            return
        payload = text.encode("utf-8", "backslashreplace")
        for at in range(0, len(payload), frames.CHUNK):
            self._channel.send((frames.ERRORS, payload[at : at + frames.CHUNK]))


class FileWrapper:
    """`wsgi.file_wrapper`: the blocks of a file-like object."""

    def __init__(self, filelike, blksize=frames.CHUNK):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        block = self.filelike.read(self.blksize)
        if not block:
            raise StopIteration
        return block
