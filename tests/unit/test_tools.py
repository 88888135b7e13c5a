# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools behind the sessions (sessions): the copy of the checkout, the lanes, the seeding of ansible-test."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.sessions import lanes, seed_pip, suggest, tree, wheel_collection


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """Make a small git checkout with a file known to git, a new one and an ignored one."""
    checkout = tmp_path / "checkout"
    (checkout / "plugins").mkdir(parents=True)
    (checkout / ".gitignore").write_text("/ignored\n")
    (checkout / "plugins" / "known.py").write_text("1\n")
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    subprocess.run(["git", "add", "."], cwd=checkout, check=True)
    (checkout / "new.py").write_text("2\n")
    (checkout / "ignored").write_text("3\n")
    return checkout


def _files(place: Path) -> set[str]:
    paths = [path.relative_to(place) for path in place.rglob("*") if path.is_file()]
    return {path.as_posix() for path in paths if path.parts[0] != ".git"}


def test_a_copy_holds_what_git_knows_or_would_add(checkout: Path, tmp_path: Path) -> None:
    copy = tree.copy(tmp_path / "place", checkout)
    assert copy == tmp_path / "place" / "ansible_collections" / "multicloud" / "async_tasks"
    assert _files(copy) == {".gitignore", "plugins/known.py", "new.py"}


def test_a_copy_follows_the_checkout_and_keeps_the_output_of_tests(checkout: Path, tmp_path: Path) -> None:
    copy = tree.copy(tmp_path / "place", checkout)
    (copy / "tests" / "output").mkdir(parents=True)
    (copy / "tests" / "output" / "kept").write_text("result\n")
    (copy / "stray" / "deep").mkdir(parents=True)
    (copy / "stray" / "deep" / "file").write_text("left behind\n")
    (checkout / "plugins" / "known.py").unlink()
    (checkout / "new.py").write_text("changed\n")
    assert tree.copy(tmp_path / "place", checkout) == copy
    assert _files(copy) == {".gitignore", "new.py", "tests/output/kept"}
    assert not (copy / "stray").exists()
    assert (copy / "new.py").read_text() == "changed\n"


def test_a_copy_is_a_repository_by_itself(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("/place\n")
    copy = tree.copy(checkout / "place", checkout)
    listed = subprocess.run(["git", "ls-files", "--others"], cwd=copy, check=True, capture_output=True, text=True)
    assert set(listed.stdout.split()) == {".gitignore", "plugins/known.py", "new.py", "ignored"}


def test_a_copy_touches_no_file_that_has_not_changed(checkout: Path, tmp_path: Path) -> None:
    copy = tree.copy(tmp_path / "place", checkout)
    before = (copy / "new.py").stat().st_ino
    tree.copy(tmp_path / "place", checkout)
    assert (copy / "new.py").stat().st_ino == before


def test_a_copy_is_executable_where_the_checkout_is(checkout: Path, tmp_path: Path) -> None:
    tree.copy(tmp_path / "place", checkout)
    (checkout / "new.py").chmod(0o755)
    assert os.access(tree.copy(tmp_path / "place", checkout) / "new.py", os.X_OK)


def test_a_link_shows_the_checkout_and_follows_it_elsewhere(tmp_path: Path) -> None:
    for name in ("here", "there", "there"):
        (tmp_path / name).mkdir(exist_ok=True)
        assert tree.link(tmp_path / "place", tmp_path / name).resolve() == tmp_path / name


#: A session by the name of its exit code; it prints two lines.
SESSION = "import sys; print(f'first {sys.argv[1]}'); print('last line'); sys.exit(int(sys.argv[1]))"


def test_lanes_run_everything_and_tell_what_failed() -> None:
    out = io.StringIO()
    outcomes = lanes.Lanes([sys.executable, "-c", SESSION], out).run([["3", "0"], ["0"]])
    assert [(outcome.name, outcome.code) for outcome in outcomes] == [("3", 3), ("0", 0), ("0", 0)]
    assert "=== 3 (failed, exit code 3, " in out.getvalue()


def test_lanes_print_the_output_of_a_session_in_one_piece() -> None:
    out = io.StringIO()
    lanes.Lanes([sys.executable, "-c", SESSION], out).run([["1", "2"], ["3", "4"]])
    for code in "1234":
        assert f"s)\nfirst {code}\nlast line\n" in out.getvalue()


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        # As in ansible-core 2.16 and 2.20; other releases look like one of the two.
        ("default_packages = dict(\n  pip='23.1.2',\n  wheel='0.37.1',\n)", {"pip": "23.1.2", "wheel": "0.37.1"}),
        ("    default_packages = dict(\n        pip='25.2',\n    )\n", {"pip": "25.2"}),
    ],
)
def test_the_package_that_ansible_test_wants_is_found(source: str, packages: dict[str, str]) -> None:
    assert seed_pip.wanted(source) == packages


def test_a_changed_ansible_test_is_reported() -> None:
    with pytest.raises(ValueError, match="has changed"):
        seed_pip.wanted("packages = {}")


def test_an_existing_script_of_pip_is_left_alone(tmp_path: Path) -> None:
    script = tmp_path / "get_pip_25_2.py"
    script.write_text("the user's own\n")
    seed_pip.seed(tmp_path, {"pip": "25.2"}, "no-such-python")
    assert script.read_text() == "the user's own\n"


def test_a_misspelt_session_is_answered_with_the_nearest() -> None:
    known = ["demo", "docs", "unit"]
    assert suggest.message("unit", known) == ""
    assert suggest.message("unit-3.13", known) == ""
    assert suggest.message("dmo", known) == "There is no session dmo. Did you mean ./run demo?"
    assert suggest.message("xyzzy", known) == "There is no session xyzzy. ./run lists them."


def test_a_checkout_among_collections_is_used_where_it_is(tmp_path: Path) -> None:
    checkout = tmp_path / tree.COLLECTION
    checkout.mkdir(parents=True)
    assert tree.find(tmp_path / "place", checkout) == tmp_path
    assert not (tmp_path / "place").exists()
    (tmp_path / "elsewhere").mkdir()
    assert tree.find(tmp_path / "place", tmp_path / "elsewhere") == tmp_path / "place"


def test_one_collection_is_taken_out_of_a_package_of_many(tmp_path: Path) -> None:
    wheel = tmp_path / "ansible-1.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "ansible_collections/awx/awx/a.py",
            "ansible_collections/awx/awx/b/c.py",
            "ansible_collections/x/y/z.py",
        ):
            archive.writestr(name, name)
    old = tmp_path / "target" / "ansible_collections" / "awx" / "awx" / "old.py"
    old.parent.mkdir(parents=True)
    old.write_text("of an older release\n")
    wheel_collection.extract(wheel, "awx.awx", tmp_path / "target")
    assert _files(tmp_path / "target") == {"ansible_collections/awx/awx/a.py", "ansible_collections/awx/awx/b/c.py"}
    with pytest.raises(ValueError, match="ansible-1.whl does not hold the collection a.b"):
        wheel_collection.extract(wheel, "a.b", tmp_path / "target")


def test_a_package_is_not_downloaded_again_for_the_same_file(tmp_path: Path) -> None:
    requirements = tmp_path / "awx.txt"
    requirements.write_text("ansible==1\n")
    (tmp_path / "awx.awx.txt").write_text("ansible==1\n")
    wheel_collection.fetch(requirements, "awx.awx", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"awx.txt", "awx.awx.txt"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="./run needs Python 3.11")
def test_ctrl_c_ends_the_setup_without_a_traceback(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("uv==1.0\n")
    (tmp_path / "run").write_text((root / "run").read_text(encoding="utf-8"))
    # A venv module that presses Ctrl-C: the signal goes to every process of the terminal.
    (tmp_path / "modules" / "venv").mkdir(parents=True)
    (tmp_path / "modules" / "venv" / "__init__.py").write_text("")
    (tmp_path / "modules" / "venv" / "__main__.py").write_text(
        "import os, signal\nos.kill(0, signal.SIGINT)\nsignal.pause()\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.13").symlink_to(sys.executable)
    done = subprocess.run(
        ["bash", "run", "demo"],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}", "PYTHONPATH": str(tmp_path / "modules")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert "Traceback" not in done.stdout
    assert "Interrupted. The next ./run starts the setup again." in done.stdout
    assert done.returncode == 130
