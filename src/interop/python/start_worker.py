"""Starts a worker of a WSGIContainer, whose channels are the descriptors 3 and up."""

import sys

# The package may lie where it cannot, or should not, be written to. The application's own modules are cached
# as usual.
_cached = sys.dont_write_bytecode
sys.dont_write_bytecode = True
from squall_wsgi import signed_cookie, worker  # noqa: E402, F401

sys.dont_write_bytecode = _cached
# The package is loaded; its folder is none of the application's business.
del sys.path[0]

if __name__ == "__main__":
    worker.main()
