"""What the build of the Lambda packages refuses, and what it says of one that is whole."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import build_package
from build_package import FORBIDDEN, MB, PACKAGES, ROOT, RUNTIMES, Package, check, pinned, python_runtime, report
from infra.lambda_package import PackageError

SMALL = Package("small", "none.txt", 10 * MB)


def test_a_whole_package_passes() -> None:
    check(SMALL, {"six 1.0": Counter({"six.py": 10 * MB})}, {"six 1.0"})


@pytest.mark.parametrize("found", ["six 2.0", "seven 1.0"])
def test_a_pinned_version_that_is_not_there_is_named(found: str) -> None:
    with pytest.raises(PackageError, match=r"small\.zip lacks six 1\.0"):
        check(SMALL, {found: Counter({"six.py": 1})}, {"six 1.0"})


@pytest.mark.parametrize("unwanted", sorted(FORBIDDEN))
def test_what_must_not_run_is_named_wherever_it_came_from(unwanted: str) -> None:
    found = {"six 1.0": Counter({"six.py": 1}), "other 2.0": Counter({"other": 1, unwanted: 1})}
    with pytest.raises(PackageError, match=rf"must not hold {unwanted}"):
        check(SMALL, found, {"six 1.0"})


def test_the_bound_counts_every_distribution() -> None:
    found = {"a 1": Counter({"a": 6 * MB}), "b 1": Counter({"b": 3 * MB, "c": MB + 1})}
    with pytest.raises(PackageError, match="at most 10 MB"):
        check(SMALL, found, ())


def test_no_package_may_come_near_lambdas_limit() -> None:
    assert {package.name: package.max_unzipped for package in PACKAGES} == {
        "api": 120 * MB,
        "worker": 230 * MB,
        "knowledge": 120 * MB,
    }


def test_sizes_are_told_per_distribution_the_largest_first() -> None:
    found = {"small 1.0": Counter({"small.py": 10_000}), "large 2.0": Counter({"a": MB, "large.libs": 2 * MB})}
    assert report(found) == ["   3.00 MB  large 2.0: large.libs 2.00, a 1.00", "   0.01 MB  small 1.0: small.py 0.01"]


def test_what_other_platforms_need_is_not_asked_for() -> None:
    text = "# a comment\nTyping_Extensions==4.1\n\nh11==0.1 ; sys_platform != 'emscripten'\nwin==3 ; os_name == 'nt'\n"
    assert pinned(text) == {"typing-extensions 4.1", "h11 0.1"}


def test_every_requirement_of_the_packages_is_pinned() -> None:
    for package in PACKAGES:
        wanted = pinned((ROOT / package.requirements).read_text("utf-8"))
        assert wanted
        assert all(re.fullmatch(r"[a-z0-9-]+ [0-9][\w.]*", found) for found in wanted)


@pytest.mark.parametrize(("version", "runtime"), [((3, 11), "python3.11"), ((3, 13), "python3.13")])
def test_the_runtime_is_that_of_the_python_that_builds(version: tuple[int, int], runtime: str) -> None:
    assert python_runtime(version) == runtime


@pytest.mark.parametrize("version", [(3, 9), (3, 99)])
def test_a_python_without_a_runtime_is_refused(version: tuple[int, int]) -> None:
    with pytest.raises(PackageError, match=r"not on python3\.9"):
        python_runtime(version)


def test_terraform_accepts_the_same_runtimes() -> None:
    variables = (ROOT / "infra" / "terraform" / "variables.tf").read_text("utf-8")
    block = variables.partition('variable "python_runtime"')[2].partition('\nvariable "')[0]
    listed = re.search(r"contains\(\[(.*?)\]", block)
    assert listed
    assert tuple(re.findall(r'"(.*?)"', listed[1])) == RUNTIMES


def test_a_refused_package_is_an_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_package, "RUNTIMES", ())
    assert build_package.main() == 1
    assert capsys.readouterr().err.startswith("error: functions run on")
