"""The name of a result goes by the task's id, which is the service's word."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.workflow.url_job import result_name


@given(st.text(max_size=400))
def test_no_id_leads_out_of_the_folder_or_breaks_it(task_id: str) -> None:
    name = result_name(task_id)
    assert Path(name).name == name
    assert len(os.fsencode(name)) <= 255
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("0a1b_2c", "0a1b_2c.mp4"),
        ("../../home/x", "task-------home-x.mp4"),
        ("/etc/passwd\0", "task--etc-passwd-.mp4"),
        ("字" * 300, f"task-{'-' * 100}.mp4"),
    ],
)
def test_name_of_an_id(task_id: str, name: str) -> None:
    assert result_name(task_id) == name
