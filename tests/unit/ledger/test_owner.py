import os
from dataclasses import replace

from preflight.ledger.owner import STALE, is_alive, myself, started
from preflight.tools import process


def test_this_process_is_alive() -> None:
    me = myself()
    assert is_alive(me, here=me.machine, silent=10 * STALE)


def test_a_reused_pid_is_another_process() -> None:
    me = replace(myself(), started="1")
    assert not is_alive(me, here=me.machine, silent=0)


def test_an_ended_process_is_dead() -> None:
    with process.start(["sleep", "60"]) as running:
        owner = replace(myself(), pid=running.pid, started=started(running.pid) or "")
        assert is_alive(owner, here=owner.machine, silent=0)
    assert not is_alive(owner, here=owner.machine, silent=0)


def test_elsewhere_the_sign_of_life_decides() -> None:
    other = replace(myself(), machine="other/pid:[1]", pid=os.getpid())
    here = myself().machine
    assert is_alive(other, here=here, silent=STALE - 1)
    assert not is_alive(other, here=here, silent=STALE + 1)
    assert not is_alive(other, here=here, silent=-STALE - 1)
    assert not is_alive(replace(other, machine=""), here="", silent=STALE + 1)
