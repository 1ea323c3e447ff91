"""What is done to the unzipped package before it is zipped again."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.lambda_package import (
    PackageError,
    called_services,
    compile_bytecode,
    drop_what_never_runs,
    sizes,
    write_zip,
)

ROOT = Path(__file__).resolve().parents[3]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return folder


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_the_services_of_the_code_are_those_it_makes_clients_for() -> None:
    assert called_services(ROOT / "chalicelib") == {"dynamodb", "kms", "s3", "sqs", "ssm"}


def test_a_client_whose_service_is_not_written_down_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "import boto3\n\ndef client(name):\n    return boto3.client(name)\n"})
    with pytest.raises(PackageError, match=r"a\.py:4"):
        called_services(tmp_path)


def test_only_called_services_and_what_runs_is_kept(tmp_path: Path) -> None:
    kept = {"botocore/data/endpoints.json", "botocore/data/s3/2006-03-01/service-2.json.gz", "fast/fast.so", "a.py"}
    dropped = {"botocore/data/ec2/2016-11-15/service-2.json.gz", "fast/fast.c", "a.pyi", "a-1.0.data/scripts/a"}
    write(tmp_path, dict.fromkeys(kept | dropped, ""))
    drop_what_never_runs(tmp_path, {"s3"})
    assert names(tmp_path) == kept


def test_a_called_service_that_botocore_does_not_know_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"botocore/data/s3/2006-03-01/service-2.json.gz": ""})
    with pytest.raises(PackageError, match="s4"):
        drop_what_never_runs(tmp_path, {"s3", "s4"})


def test_bytecode_is_used_whatever_the_times_of_the_files_are(tmp_path: Path) -> None:
    write(tmp_path, {"answer.py": "VALUE = 42\n"})
    compile_bytecode(tmp_path)
    os.utime(tmp_path / "answer.py", (0, 0))
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import answer; print(answer.VALUE)"
    told = subprocess.run([sys.executable, "-v", "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "42\n"
    cached = importlib.util.cache_from_source(str(tmp_path / "answer.py"))
    assert f"code object from '{cached}'" in told.stderr


def test_bytecode_is_unchecked(tmp_path: Path) -> None:
    write(tmp_path, {"answer.py": "VALUE = 42\n"})
    compile_bytecode(tmp_path)
    bytecode = Path(importlib.util.cache_from_source(str(tmp_path / "answer.py"))).read_bytes()
    # The flags behind the magic number: bit 0 for a hash instead of a time, bit 1 for checking it.
    assert int.from_bytes(bytecode[4:8], "little") == 0b01


def test_bytecode_does_not_depend_on_the_folder_it_was_made_in(tmp_path: Path) -> None:
    source = {"a.py": "def f(x):\n    return x in {'b', 'c', 'd'}, 'b', f\n", "b.py": "NAMES = {'c', 'a'}\n"}
    folders = [write(tmp_path / name, source) for name in ("one", "another")]
    for folder in folders:
        compile_bytecode(folder)
    first, second = ({p.name: p.read_bytes() for p in folder.rglob("*.pyc")} for folder in folders)
    assert len(first) == 2
    assert first == second


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"broken.py": "def"})
    with pytest.raises(PackageError, match=r"broken\.py"):
        compile_bytecode(tmp_path)


def test_each_byte_belongs_to_the_distribution_that_brought_it(tmp_path: Path) -> None:
    record = "PIL/a.py,,\npillow.libs/b.so,,\nPillow-1.2.dist-info/RECORD,,\n"
    files = {"PIL/a.py": "1", "pillow.libs/b.so": "22", "Pillow-1.2.dist-info/RECORD": record}
    write(tmp_path, {**files, "app.py": "333", "chalicelib/c.py": "4444", "chalice/app.py": "55555"})
    assert sizes(tmp_path) == {
        "pillow 1.2": {"PIL": 1, "pillow.libs": 2, "Pillow-1.2.dist-info": len(record)},
        "this project": {"app.py": 3, "chalicelib": 4},
        "chalice, its runtime": {"chalice": 5},
    }


def test_bytecode_counts_with_its_module(tmp_path: Path) -> None:
    record = "six.py,,\nsix-1.0.dist-info/RECORD,,\n"
    write(tmp_path, {"app.py": "1", "six.py": "22", "six-1.0.dist-info/RECORD": record})
    for name in ("app", "six"):
        py_compile.compile(str(tmp_path / f"{name}.py"))
    found = sizes(tmp_path)
    bytecode = {name: Path(importlib.util.cache_from_source(str(tmp_path / f"{name}.py"))) for name in ("app", "six")}
    assert found["this project"] == {"app.py": 1 + bytecode["app"].stat().st_size}
    assert found["six 1.0"]["six.py"] == 2 + bytecode["six"].stat().st_size


def test_a_file_that_nothing_brought_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "", "weights.gguf": ""})
    with pytest.raises(PackageError, match=r"weights\.gguf"):
        sizes(tmp_path)


paths = st.lists(st.from_regex(r"[a-c]{1,3}", fullmatch=True), min_size=1, max_size=3).map(
    lambda parts: "/".join(parts) + ".py"
)


@settings(max_examples=25, deadline=None)
@given(files=st.dictionaries(paths, st.text(max_size=50), min_size=1, max_size=6), shuffler=st.randoms())
def test_the_same_files_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str], shuffler: random.Random
) -> None:
    base = tmp_path_factory.mktemp("zips")
    shuffled = list(files.items())
    shuffler.shuffle(shuffled)
    first = write(base / "first", files)
    second = write(base / "second", dict(shuffled))
    for number, file in enumerate(sorted(p for p in second.rglob("*") if p.is_file())):
        os.utime(file, (number * 1e8, number * 1e8))
        file.chmod(0o600)
    write_zip(first, base / "first.zip")
    write_zip(second, base / "second.zip")
    assert (base / "first.zip").read_bytes() == (base / "second.zip").read_bytes()


def test_the_zip_holds_the_files_readable_and_sorted(tmp_path: Path) -> None:
    content = write(tmp_path / "content", {"b.py": "b", "a/z.py": "z", "a/y.py": "y"})
    write_zip(content, tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert archive.namelist() == ["a/y.py", "a/z.py", "b.py"]
        assert archive.read("a/z.py") == b"z"
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_a_changed_file_gives_other_bytes(tmp_path: Path) -> None:
    content = write(tmp_path / "content", {"a.py": "1"})
    write_zip(content, tmp_path / "before.zip")
    write(content, {"a.py": "2"})
    write_zip(content, tmp_path / "after.zip")
    assert (tmp_path / "before.zip").read_bytes() != (tmp_path / "after.zip").read_bytes()


def test_a_reader_never_sees_half_a_zip(tmp_path: Path) -> None:
    content = write(tmp_path / "content", {"a.py": "1"})
    target = tmp_path / "dist" / "made.zip"
    write_zip(content, target)
    with target.open("rb") as opened_before:
        write(content, {"a.py": "2"})
        write_zip(content, target)
        with zipfile.ZipFile(opened_before) as archive:
            assert archive.read("a.py") == b"1"
    assert names(target.parent) == {"made.zip"}


def test_a_zip_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    content = write(tmp_path / "content", {"a.py": "1"})
    (tmp_path / "dist" / "made.zip").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_zip(content, tmp_path / "dist" / "made.zip")
    assert names(tmp_path / "dist") == set()
