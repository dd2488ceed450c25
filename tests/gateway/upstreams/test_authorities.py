"""An authority of a connection's own is what each of its clients goes by: every provider with an
address asks a service whose certificate no other authority signed.
"""

import asyncio

import pytest

from gateway.upstreams.passthrough import Upstream
from providers.core.base import Capability, Provider
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.settings import AddressedSettings
from providers.http.egress import EgressPolicy
from providers.vendors.openai.request import OpenAIChat
from tests.httpserver import HttpServer, authority, service_context
from tests.providers.samples import CHATTING, NETWORK, sample

from .test_guarded_clients import asked

AS_BYTES = [one for one in NETWORK.values() if issubclass(one, OpenAIChat)]
OWN = {"ca_certificate": authority()[0]}


@pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
def test_the_clients_of_a_connection_trust_its_authority(provider: type[Provider]):
    with HttpServer(tls=service_context()) as server:
        assert asked(sample(provider, server.url)) == {"tls"} and not server.requests
        assert "tls" not in asked(sample(provider, server.url, **OWN))
        assert len(server.requests) == (2 if provider.id in CHATTING else 1)


@pytest.mark.parametrize("provider", AS_BYTES, ids=lambda one: one.id)
def test_the_gateways_own_client_trusts_it(provider: type[Provider]):
    async def ask(made: Provider) -> str:
        target, upstream = await made.wire_target(Capability.CHAT, "m"), Upstream(EgressPolicy())
        assert target is not None
        try:
            (await upstream.ask(target, {}, 5, stream=False)).close()
        except ProviderError as error:
            return error.code
        finally:
            await upstream.close()
        return ""

    with HttpServer(tls=service_context()) as server:
        trusting = sample(provider, server.url, **OWN)
        assert asyncio.run(ask(sample(provider, server.url))) == "tls" and not server.requests
        assert asyncio.run(ask(trusting)) == "" and len(server.requests) == 1


def test_a_type_with_an_address_has_the_setting_and_one_without_has_not():
    trusts = {
        one: issubclass(get_provider(one).Settings, AddressedSettings)
        for one in ("elasticsearch", "pinecone", "zendesk", "stripe")
    }
    assert trusts == {"elasticsearch": True, "pinecone": True, "zendesk": False, "stripe": False}


def test_a_type_trusts_its_authority():
    provider = get_provider("elasticsearch")
    with HttpServer(tls=service_context()) as server:
        node = {"variant": "api_key", "node": server.url, "api_key": "k"}
        with pytest.raises(ProviderError, match="CONNECTIONS_CA_FILE") as refused:
            provider(provider.Settings.model_validate(node)).check()
        assert refused.value.code == "tls" and not server.requests
        assert provider(provider.Settings.model_validate({**node, **OWN})).check()
    assert len(server.requests) == 1
