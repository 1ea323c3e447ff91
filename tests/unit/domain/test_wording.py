"""Numbers, lists and dates as an editor writes them."""

import pytest

from chalicelib.domain.wording import by_severity, counted, date, days, listed, listed_shortly, percent


def test_counts_have_the_right_number() -> None:
    assert [counted(n, "finding") for n in (0, 1, 2, 12, 13, 1204)] == [
        "no findings",
        "one finding",
        "two findings",
        "twelve findings",
        "13 findings",
        "1,204 findings",
    ]
    assert counted(2, "repository", "repositories") == "two repositories"


@pytest.mark.parametrize(("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")])
def test_lists(parts: list[str], said: str) -> None:
    assert listed(list(parts)) == said


def test_a_long_list_tells_how_many_there_are_beyond_and_never_hides_a_single_one() -> None:
    assert listed_shortly(["a", "b", "c"], 2, "file") == "a, b and c"
    assert listed_shortly(["a", "b", "c", "d"], 2, "file") == "a, b and two more files"


def test_what_is_not_certain_is_not_said_to_be() -> None:
    assert [percent(share) for share in (0, 0.955, 0.999, 1)] == ["0 %", "96 %", "99 %", "100 %"]


def test_days() -> None:
    at = "2026-05-03T10:00:00.000000Z"
    assert date(at) == "3 May 2026"
    assert days(at, at) == "on 3 May 2026"
    assert days(at, "2026-05-05T00:00:00Z") == "between 3 and 5 May 2026"
    assert days(at, "2026-06-01T00:00:00Z") == "between 3 May and 1 June 2026"
    assert days("2025-05-03T00:00:00Z", at) == "between 3 May 2025 and 3 May 2026"


def test_severities_come_from_the_gravest_down() -> None:
    assert by_severity({"low": 1, "medium": 0, "high": 2, "critical": 1}) == "one critical, two high and one low"
