import os
from dataclasses import replace

from preflight.ledger.owner import STALE_AFTER, current_owner, is_alive, start_time, went_down
from preflight.tools import process


def test_this_process_is_alive() -> None:
    me = current_owner()
    assert is_alive(me, here=me.machine, silent=10 * STALE_AFTER)


def test_a_reused_pid_is_another_process() -> None:
    me = replace(current_owner(), started="1")
    assert not is_alive(me, here=me.machine, silent=0)


def test_an_ended_process_is_dead() -> None:
    with process.start(["sleep", "60"]) as running:
        owner = replace(current_owner(), pid=running.pid, started=start_time(running.pid) or "")
        assert is_alive(owner, here=owner.machine, silent=0)
    assert not is_alive(owner, here=owner.machine, silent=0)


def test_elsewhere_the_sign_of_life_decides() -> None:
    other = replace(current_owner(), machine="other/pid:[1]", pid=os.getpid())
    here = current_owner().machine
    assert is_alive(other, here=here, silent=STALE_AFTER - 1)
    assert not is_alive(other, here=here, silent=STALE_AFTER + 1)
    assert not is_alive(other, here=here, silent=-STALE_AFTER - 1)
    assert not is_alive(replace(other, machine=""), here="", silent=STALE_AFTER + 1)


def test_only_another_boot_of_this_machine_went_down() -> None:
    here = "boot-2/pid:[1]"
    old = replace(current_owner(), machine="boot-1/pid:[1]")
    assert went_down(old, here=here, silent=STALE_AFTER)
    assert not went_down(old, here=here, silent=STALE_AFTER - 1)
    assert not went_down(replace(old, machine="boot-2/pid:[9]"), here=here, silent=1e9)
    assert not went_down(replace(old, machine=""), here=here, silent=1e9)
