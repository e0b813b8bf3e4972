"""The service against its own description, with whatever a schema-driven fuzzer thinks of."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from preflight.model.job import RemovalOptions
from preflight.removal import RemovalClient
from preflight.removal.signing import signed_query
from preflight.server.service import QUERY_PATH, RESULT_PATH, SUBMIT_PATH
from preflight.server.stack import LocalStack
from tests.service_stack import local_stack, put


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="module")
def described(stack: LocalStack) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{stack.settings.api_domain}/openapi.json")


CALLS = [(method, path) for path in (SUBMIT_PATH, QUERY_PATH) for method in ("GET", "POST")]
CALLS += [(method, RESULT_PATH) for method in ("GET", "HEAD")]


@pytest.fixture(scope="module")
def real(stack: LocalStack) -> dict[str, str]:
    """A video that can be fetched, a task and the way to its result: a random text is none of them."""
    url = put(stack.settings, "clip.mp4", b"video")
    with RemovalClient(stack.settings) as client:
        task = client.wait(client.submit(url, RemovalOptions()).task_id, deadline=60)
    assert task.video_url is not None
    token = task.video_url.reveal().partition("token=")[2]
    return {"videoUrl": url.reveal(), "taskId": task.task_id, "task_id": task.task_id, "token": token}


def ground(fields: Any, real: dict[str, str]) -> None:
    """Put real values where the fuzzer put random ones, also inside `paramJson`."""
    if isinstance(fields, dict):
        fields |= {name: value for name, value in real.items() if name in fields}
        ground(fields.get("paramJson"), real)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_any_call_gets_a_described_answer(
    described: schemathesis.BaseSchema,
    stack: LocalStack,
    real: dict[str, str],
    method: str,
    path: str,
    mode: schemathesis.GenerationMode,
    signed: bool,
) -> None:
    settings = stack.settings

    @given(case=described[path][method].as_strategy(generation_mode=mode))
    @examples(max_examples=12 if signed else 4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def run(case: schemathesis.Case) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:
            for fields in (case.body, case.query, case.path_parameters):
                ground(fields, real)
        if signed:
            made = signed_query(settings.access_key_name, str(settings.access_key_secret), now=time.time())
            case.query = {**(case.query or {}), **made}
        # That a box is well-formed does not make its corners a rectangle.
        case.call_and_validate(excluded_checks=[schemathesis.checks.positive_data_acceptance])

    run()
