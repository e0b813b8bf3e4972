"""What must never be written: the key's secret and the query strings of URLs."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import PreflightError
from preflight.model.job import RemovalOptions, SecretUrl
from preflight.removal import RemovalClient
from preflight.removal import download as fetching
from tests.faultproxy import Fault, FaultProxy, Script, times
from tests.service_stack import local_stack

FAULTS = (None, Fault.DROP_REPLY, Fault.TRUNCATE_HEADERS, Fault.HTML_REPLY, Fault.ANSWER_502, Fault.RESET_REQUEST)
VIDEO = SecretUrl("http://127.0.0.1:1/clip.mp4?X-Amz-Signature=hush-url")


def script(fault: Fault | None) -> Script:
    return (lambda _: None) if fault is None else times("*", fault)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_log_and_no_error_tells_a_secret(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault | None,
    method: str,
) -> None:
    monkeypatch.setattr(fetching, "_pause", lambda *_: None)
    caplog.set_level(logging.DEBUG)
    told: list[object] = []
    with local_stack(tmp_path) as stack, FaultProxy(stack.settings.api_domain, script(fault)) as proxy:
        settings = replace(stack.settings, api_domain=proxy.url, http_method=method)
        with RemovalClient(settings) as client:
            for act in (
                lambda: client.submit(VIDEO, RemovalOptions()),
                lambda: client.query("missing"),
                lambda: fetching.fetch(SecretUrl(f"{proxy.url}/results/x.mp4?token=hush-token"), tmp_path / "out.mp4"),
            ):
                try:
                    told.append(act())
                except PreflightError as error:
                    told += [error, repr(error), error.to_dict(), error.__dict__]
        told += [settings, client, vars(client).values(), *(record.getMessage() for record in caplog.records)]
        secrets = ["hush-url", "hush-token", str(settings.access_key_secret), "sign="]
    text = "\n".join(map(str, told))
    assert caplog.records
    assert [secret for secret in secrets if secret in text] == []
