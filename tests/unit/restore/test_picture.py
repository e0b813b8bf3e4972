from hypothesis import given
from hypothesis import strategies as st

from preflight.restore.before_after import ROWS, choose


@given(st.dictionaries(st.floats(0, 300), st.floats(0, 255), max_size=40))
def test_rows_are_in_order_and_include_the_greatest_difference(differences: dict[float, float]) -> None:
    chosen = choose(differences)
    assert list(chosen) == sorted(set(chosen))
    assert 1 <= len(chosen) <= ROWS
    if differences:
        assert max(differences.values()) in {differences[moment] for moment in chosen}


def test_rows_keep_apart_where_they_can() -> None:
    assert choose({0.0: 9, 0.5: 8, 4.0: 1, 8.0: 2}) == (0.0, 4.0, 8.0)


def test_nothing_to_compare_shows_the_start() -> None:
    assert choose({}) == (0.0,)
