"""An authority of certificates for the tests, and a server's side of TLS."""

from __future__ import annotations

import ssl

import trustme


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return what a server with a certificate for ``name`` needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return what a client that trusts the authority verifies with."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
