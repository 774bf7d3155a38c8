"""Frames: what squall and a worker say to each other on a channel.

A channel is a connected pair of sockets, made when the worker was started. A frame is an octet that says what
it is, the length of its payload (32 bits, big-endian), and the payload. The other end is `frames.ts` in
`src/interop/wsgi`.

    squall to worker   HEAD (environ as JSON), any number of DATA, then END, or ABORT: the client is gone, or
                       the rest of the body is not needed. ABORT may follow END, also after the response.
    worker to squall   HEAD (the status, then name and value of each header, a line each, in ISO 8859-1), any
                       number of DATA, then END; or EXCEPTION (a traceback) in the place of what is left.
                       ERRORS (text for the log) at any time.

On the control channel squall says CONFIG, and the worker READY or FAILED. Its end tells the worker to stop.
"""

import select
import struct
import threading

HEAD = 1
DATA = 2
END = 3
ABORT = 4
CONFIG = 5
EXCEPTION = 6
ERRORS = 7
READY = 8
FAILED = 9

_HEADER = struct.Struct("!BI")

#: The longest payload of one DATA frame: squall passes it on as it comes, so this bounds nothing but a
#: number.
PIECE = 1 << 20

#: How much is read from the socket at once.
CHUNK = 65536

#: Up to this size a payload is copied behind its header, which costs less than a second buffer for the
#: system.
SMALL = 16384


class Channel:
    """One end of a channel. Frames are read by one thread; any thread may send."""

    def __init__(self, sock):
        sock.setblocking(True)
        sock.set_inheritable(False)
        self._sock = sock
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)
        self._chunk = b""
        self._at = 0

    def send(self, *frames):
        """Sends pairs of type and payload in one go."""
        parts = []
        for kind, payload in frames:
            parts.append(_HEADER.pack(kind, len(payload)))
            parts.append(payload)
        with self._lock:
            if len(parts) == 2 and len(parts[1]) > SMALL:
                self._sock.sendall(parts[0])
                self._sock.sendall(parts[1])
            else:
                self._sock.sendall(b"".join(parts))

    def read_header(self):
        """The type and the length of the next frame; None at the end of the channel."""
        at = self._at
        if len(self._chunk) - at >= _HEADER.size:
            self._at = at + _HEADER.size
            return _HEADER.unpack_from(self._chunk, at)
        header = self.read_exactly(_HEADER.size)
        return None if header is None else _HEADER.unpack(header)

    def read_exactly(self, size):
        """`size` bytes; None if the channel ends before."""
        parts = []
        while size > 0:
            part = self.read_some(size)
            if part is None:
                return None
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_some(self, most):
        """From 1 to `most` bytes, as soon as there are any; None at the end of the channel."""
        if self._at == len(self._chunk):
            try:
                self._chunk = self._sock.recv(CHUNK)
            except OSError:
                self._chunk = b""
            self._at = 0
            if not self._chunk:
                return None
        part = self._chunk[self._at : self._at + most]
        self._at += len(part)
        return part

    def has_input(self):
        """Whether a read would return at once."""
        return self._at < len(self._chunk) or bool(self._poll.poll(0))

    def close(self):
        self._sock.close()
