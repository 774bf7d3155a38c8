"""The Python side of squall's WSGI bridge. It needs Python 3.8 or later and nothing but the standard library.

- `squall_wsgi.worker` runs a WSGI application for a `WSGIContainer` of squall.
- `squall_wsgi.adapter` is a WSGI application that hands requests to a squall process.
- `squall_wsgi.signed_cookie` reads and writes the signed cookies of squall and Tornado.
"""
