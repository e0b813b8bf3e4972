import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.stores import self_signed
from preflight.errors import UnreachableError
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient
from preflight.settings import Settings
from tests.faultproxy import FaultProxy
from tests.service_stack import local_stack, put


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with local_stack(tmp_path) as stack, FaultProxy(stack.settings.api_domain, tls=context) as proxy:
        yield replace(stack.settings, api_domain=proxy.url, ca_bundle=str(certificate))


def test_own_authority_is_trusted_when_it_is_set(settings: Settings) -> None:
    with RemovalClient(settings) as client:
        task = client.submit(put(settings, "clip.mp4", b"video"), RemovalOptions())
        assert client.wait(task.task_id, deadline=60).state is TaskState.DONE


def test_unknown_authority_gets_nothing(settings: Settings) -> None:
    url = put(settings, "clip.mp4", b"video")
    with (
        RemovalClient(replace(settings, ca_bundle=None)) as client,
        pytest.raises(UnreachableError, match="certificate is not trusted") as caught,
    ):
        client.submit(url, RemovalOptions())
    assert not caught.value.outcome_unknown
