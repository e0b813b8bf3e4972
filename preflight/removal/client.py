"""The client of the Video Removal API: submit, query, wait."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import requests

from preflight.errors import (
    CredentialsError,
    PreflightError,
    ServiceError,
    SubmitUnknownError,
    UsageError,
)
from preflight.events import Cancel, Listener, Progress, Stage, ignore
from preflight.model.job import RemovalOptions, SecretUrl, Task
from preflight.removal import poll_schedule, rate, transport, wire
from preflight.removal.rate import sleep_until
from preflight.removal.signing import signed_query
from preflight.settings import Settings

_log = logging.getLogger(__name__)


_NO_HEADERS: Mapping[str, str] = {}

SMALL_SKEW = 2.0
"""Seconds that the `Date` header may be off although the clock is right: it has whole seconds and takes its way."""


class RemovalClient:
    """A client of the Video Removal API. Use it as a context manager; don't share it between threads.

    No method sends a request a second time by itself, but for one case: when the gateway refuses the timestamp and its
    `Date` header shows another time than this machine's, that time is used from then on. Nothing is recorded:
    `preflight.run` and the ledger are there to be sure that nothing is paid for twice.

    Args:
        settings: Account, domain, paths, request form and time-outs (seconds); see `preflight.load_settings`.

    Raises:
        CredentialsError: No account is configured.
        UsageError: `settings` is not a Settings, or its `api_domain` is no host.

    Example:
        >>> with RemovalClient(load_settings()) as client:
        ...     task = client.submit(SecretUrl("https://example.com/clip.mp4"), RemovalOptions(language="en"))
        ...     done = client.wait(task.task_id, deadline=1800)
        ...     print(done.video_url)
    """

    def __init__(self, settings: Settings) -> None:
        if not isinstance(settings, Settings):
            raise UsageError(f"settings is {settings!r}, not Settings.", hint="Use preflight.load_settings().")
        if not (settings.access_key_name and settings.access_key_secret):
            raise CredentialsError(
                "No account for the removal service is configured.",
                hint="Set AIDGE_ACCESS_KEY_NAME and AIDGE_ACCESS_KEY_SECRET, or use `--service local`.",
            )
        self.settings = settings
        self._base = _base(settings)
        self._http: requests.Session | None = None
        self._skew: float | None = None
        self._correction = 0.0
        self.limiter = rate.shared_limiter(self._base, settings.access_key_name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def submit(self, url: SecretUrl, options: RemovalOptions) -> Task:
        """Submit one video, once.

        Args:
            url: An http(s) URL from which the service can fetch the video.
            options: What is removed.

        Returns:
            The accepted task: its `task_id`, and the `request_id` of the call.

        Raises:
            UsageError: An argument has the wrong type, or a box is in pixels.
            SubmitUnknownError: The job may exist: no answer came, or one that decides nothing. Never submit again
                before a person has looked.
            InputRejectedError, ContentRejectedError, JobFailedError: The service refuses this video (700-703, 1000,
                1002, 801).
            RateLimitError: 501 or HTTP 429; `retry_after` is in seconds.
            CredentialsError, CreditError, GatewayError, UnreachableError, ServiceError: Nothing was accepted.
        """
        if not isinstance(url, SecretUrl):
            raise UsageError("url is not a SecretUrl.", hint="Wrap the text: SecretUrl('https://...').")
        if not isinstance(options, RemovalOptions):
            raise UsageError(f"options is {options!r}, not RemovalOptions.")
        business = {"videoUrl": url.reveal(), **options.to_wire()}
        try:
            # A connection of its own: one from the pool may be closed by the server while the request is on its way,
            # and a submit that got no answer is not repeated.
            with transport.session(self._base) as http:
                headers = {"Connection": "close"}
                return self._call(http, self.settings.submit_path, business, self._read_submit, headers=headers)
        except transport.NoAnswerError as error:
            if error.partial is not None and (task_id := wire.find_task_id(error.partial)) is not None:
                return Task(task_id=task_id)
            raise SubmitUnknownError(
                error.message,
                hint="It may have been accepted, so it is not sent again; `preflight jobs resolve` settles it.",
            ) from None

    def _read_submit(self, reply: wire.Reply) -> Task:
        return wire.read_submit(reply, resend_after_500=self.settings.resend_after_500)

    def query(self, task_id: str) -> Task:
        """Ask once about a task.

        Args:
            task_id: The id of an accepted task.

        Returns:
            The task: PENDING, DONE with its `video_url`, or FAILED with its `code` and `message`.

        Raises:
            UsageError: `task_id` is not a text.
            ServiceError: The reply says nothing of the task; `retryable` tells whether asking again may help.
        """
        if not isinstance(task_id, str) or not task_id:
            raise UsageError(f"task_id is {task_id!r}, not a task id.")

        def read(reply: wire.Reply) -> Task:
            return wire.read_query(reply, task_id)

        return self._call(self._session(), self.settings.query_path, {"taskId": task_id}, read)

    def wait(
        self,
        task_id: str,
        *,
        deadline: float | None = None,
        listener: Listener = ignore,
        cancel: Cancel | None = None,
    ) -> Task:
        """Poll until a task is done.

        Args:
            task_id: The id of an accepted task.
            deadline: Seconds from now. Default: the setting `deadline`.
            listener: Called after each poll.
            cancel: A flag; once it is set, the call ends within a second or the time of one request.

        Returns:
            The done task with its `video_url`.

        Raises:
            DeadlineError: It is still pending; `task_id` is in the error, and the task goes on at the service.
            JobFailedError, InputRejectedError, ContentRejectedError: The job has failed.
            CredentialsError: At once. Other errors of the service are outlived until the deadline.
            CancelledError: `cancel` was set.
        """
        backoff = poll_schedule.Backoff(first=self.settings.poll_first, last=self.settings.poll_last)
        limit = self.settings.deadline if deadline is None else deadline
        state = poll_schedule.WaitState(task_id=task_id, deadline=time.monotonic() + limit, pace=backoff)
        while True:
            event = self.ask(task_id)
            state, action = poll_schedule.next_action(state, event, now=time.monotonic(), chance=random.random())  # noqa: S311
            listener(progress_of(state, event))
            match action:
                case poll_schedule.Done(task=task):
                    return task
                case poll_schedule.GiveUp(error=error):
                    raise error
                case poll_schedule.PollAt(time=at):
                    sleep_until(at, cancel, f"waiting for task {task_id}")

    def clock_skew(self) -> float | None:
        """Return this machine's clock minus the service's in seconds, or None when the service shows no clock.

        Asks the service once about a task that does not exist. Raises UnreachableError and NoAnswerError.
        """
        self._skew = None
        self._exchange(self._session(), self.settings.query_path, {"taskId": "clock"}, _NO_HEADERS)
        return self._skew

    def _session(self) -> requests.Session:
        if self._http is None:
            self._http = transport.session(self._base)
        return self._http

    def _call(
        self,
        http: requests.Session,
        path: str,
        business: Mapping[str, Any],
        read: Callable[[wire.Reply], Task],
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> Task:
        try:
            return read(self._exchange(http, path, business, headers))
        except CredentialsError as error:
            if "timestamp" not in str(error.code).lower() or self._skew is None:
                raise
            if self._correction or abs(self._skew) < SMALL_SKEW:
                raise
            # The gateway refused the call itself, so nothing was accepted and the call may be made again.
            self._correction = -self._skew
            return read(self._exchange(http, path, business, headers))

    def ask(self, task_id: str) -> Task | ServiceError:
        """Return what one poll brings: the task, or the error as a value."""
        try:
            return self.query(task_id)
        except ServiceError as error:
            return error

    def _exchange(
        self, http: requests.Session, path: str, business: Mapping[str, Any], headers: Mapping[str, str]
    ) -> wire.Reply:
        settings = self.settings
        query = signed_query(
            settings.access_key_name, str(settings.access_key_secret), now=time.time() + self._correction
        )
        shaped = _shape(business, settings.request_form)
        get = settings.http_method == "GET"
        call = transport.Call(
            method=settings.http_method,
            url=f"{self._base}/rest{path}",
            params=query | ({name: _in_query(value) for name, value in shaped.items()} if get else {}),
            json=None if get else shaped,
            headers={**headers, **({"x-iop-trial": "true"} if settings.trial else {})},
        )
        timeout = min(settings.request_timeout, transport.ANSWER_LIMIT)
        begun = time.monotonic()
        reply = transport.exchange(http, call, timeout=timeout, verify=settings.ca_bundle or True)
        _log.info("%s %s: HTTP %s after %.2f s", call.method, path, reply.status, time.monotonic() - begun)
        if reply.server_time is not None:
            self._skew = time.time() - reply.server_time
        return reply


def _base(settings: Settings) -> str:
    domain = settings.api_domain.rstrip("/")
    base = domain if "://" in domain else f"https://{domain}"
    if wire.host_of(base) is None:
        raise UsageError(
            f"Setting api_domain is {settings.api_domain!r}.",
            hint="Give a host, or http(s)://host:port for another one.",
        )
    return base


def _shape(business: Mapping[str, Any], form: str) -> dict[str, Any]:
    """Return the body in the form that a revision of the API page wants: flat, nested, or nested as a JSON text."""
    if form == "nested":
        return {"paramJson": dict(business)}
    if form == "string":
        return {"paramJson": json.dumps(business, separators=(",", ":"))}
    return dict(business)


def _in_query(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    # A task id may hold lone surrogates, which have no UTF-8 of their own.
    return text.encode("utf-8", "surrogatepass")


def progress_of(state: poll_schedule.WaitState, event: Task | PreflightError) -> Progress:
    """Return what a listener is told after a poll."""
    if isinstance(event, Task) and event.progress is not None:
        return Progress(stage=Stage.WAIT, done=event.progress, total=1.0, note=event.status or event.state.value)
    note = event.status or event.state.value if isinstance(event, Task) else event.message
    return Progress(stage=Stage.WAIT, done=state.polls, unit="polls", note=note)
