"""LocalStack's Twisted server, bound to the address of ``GATEWAY_LISTEN``.

LocalStack's own binds every address of the machine whatever that setting says. Where functions are processes
of this machine, that would let the whole network run code here.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from localstack.aws.serving.twisted import TLSMultiplexerFactory
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.serving.twisted import TwistedGateway
from twisted.internet import endpoints, reactor, ssl


class LoopbackServer(TwistedRuntimeServer):
    """Serves HTTP and HTTPS on one port of the loopback interface."""

    def register(self, gateway: Any, listen: list[Any], ssl_creds: tuple[str, str] | None = None) -> None:
        """Listen for ``gateway`` on every host and port in ``listen``.

        Raises:
            ValueError: one of the hosts is not a loopback address.
        """
        factory = TwistedGateway(gateway)
        if ssl_creds:
            certificate, key = ssl_creds
            context = ssl.DefaultOpenSSLContextFactory(key, certificate)
            context.getContext().use_certificate_chain_file(certificate)
            factory = TLSMultiplexerFactory(context, False, factory)
        for one in listen:
            address = ipaddress.ip_address(one.host)
            if not address.is_loopback:
                raise ValueError(f"GATEWAY_LISTEN names {one.host}, which is not a loopback address")
            kind = endpoints.TCP4ServerEndpoint if address.version == 4 else endpoints.TCP6ServerEndpoint
            kind(reactor, one.port, interface=str(address)).listen(factory)
