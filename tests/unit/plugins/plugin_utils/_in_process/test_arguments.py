# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments of a task as its module would get them: the same values, types, secrets and messages."""

from __future__ import annotations

import datetime
import importlib
import json
import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments, plain
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import run_module

SPEC: dict[str, t.Any] = {
    "word": {"type": "str", "aliases": ["alias"]},
    "names": {"type": "list", "elements": "str"},
    "number": {"type": "int", "default": 3},
    "secret": {"type": "str", "no_log": True},
    "file": {"type": "path"},
    "fields": {"type": "dict"},
    "choice": {"type": "str", "choices": ["a", "b"]},
}
RULES: dict[str, t.Any] = {
    "mutually_exclusive": [("word", "names")],
    "required_if": [("choice", "b", ["file"])],
    "required_one_of": [("word", "names", "choice")],
}
MODULE = Module(lambda context: {"params": context.params}, SPEC, providers=[], **RULES)
PROGRAM = f"""
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module
Module(lambda context: {{"params": context.params}}, {SPEC!r}, providers=[], **{RULES!r}).run()
"""


def sent(value: t.Any) -> t.Any:
    """Return a value as Ansible sends it to a module: by the encoder that its release has for that."""
    names: t.Any = importlib.import_module("ansible.module_utils.common.json")
    if hasattr(names, "get_module_encoder"):
        encoder = names.get_module_encoder("legacy", names.Direction.CONTROLLER_TO_MODULE)
        return json.loads(json.dumps(value, cls=encoder))
    return json.loads(json.dumps(value, cls=names.AnsibleJSONEncoder, vault_to_text=True))


def templated(text: str) -> t.Any:
    """Return what a YAML value of a task becomes: with the tags or subclasses of its release."""
    loader = DataLoader()
    return Templar(loader=loader).template(loader.load(text))


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.dates()
    | st.datetimes()
)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(values)
@settings(max_examples=200, deadline=None)
def test_values_have_the_types_that_a_module_gets(value: t.Any) -> None:
    assert plain(value) == sent(value)


@pytest.mark.parametrize(
    "text",
    [
        "{a: [1, 2.5, true, null, text], b: {c: 2026-01-02, d: 2026-01-02 03:04:05}}",
        "!unsafe '{{ 7 * 6 }}'",
        "[!unsafe 'x', y]",
        "2026-01-02T03:04:05+02:00",
    ],
)
def test_values_of_playbooks_lose_every_tag(text: str) -> None:
    value = plain(templated(text))
    assert value == sent(templated(text))

    def exact(item: t.Any) -> bool:
        if isinstance(item, dict):
            return item.__class__ is dict and all(key.__class__ is str and exact(inner) for key, inner in item.items())
        if isinstance(item, list):
            return item.__class__ is list and all(map(exact, item))
        return item is None or item.__class__ in (str, int, float, bool)

    assert exact(value)


def itself(text: str) -> str:
    """Return a text of any class as it is, as the texts of ansible-core 2.16 do."""
    return text


def test_sets_numbers_as_keys_and_subclasses_become_json() -> None:
    class Name(str):
        """A text that Ansible marks."""

        __str__ = itself

    class Count(int):
        """A number that Ansible marks."""

    value = plain({1: {"b"}, Name("key"): Name("value"), "count": Count(3), "when": datetime.time(3, 4), "raw": b"x"})
    assert value == {"1": ["b"], "key": "value", "count": 3, "when": "03:04:00", "raw": "x"}
    assert [type(item) for item in (*value, value["key"], value["count"])] == [str] * 6 + [int]


def test_checked_arguments_have_no_tags() -> None:
    class Name(str):
        """A text that Ansible marks."""

    checked = check_arguments(MODULE, "example", {"word": Name("x"), "fields": {"key": Name("value")}})
    assert [type(item) for item in (checked.params["word"], checked.params["fields"]["key"])] == [str, str]


@pytest.mark.parametrize(
    "arguments",
    [
        {"word": "x"},
        {"word": 5, "number": "7"},
        {"names": "a,b", "secret": "hidden-secret"},
        {"alias": "x", "fields": '{"a": 1}'},
        {"alias": "x", "word": "y"},
        {"word": "x", "file": "~/x/$HOME"},
        {},
        {"word": "x", "names": ["y"]},
        {"choice": "c"},
        {"choice": "b"},
        {"number": "many", "word": "x"},
        {"wrong": 1, "word": "x"},
        {"word": "x", "secret": None, "number": None},
    ],
    ids=str,
)
def test_arguments_are_checked_as_ansible_module_checks_them(
    arguments: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/of-a-test")
    named = {"_ansible_module_name": "multicloud.async_tasks.example"}
    expected = run_module("", {**named, **arguments}, source=PROGRAM, HOME="/home/of-a-test")
    checked = check_arguments(MODULE, "multicloud.async_tasks.example", arguments)
    assert checked.error == expected.get("msg")
    if checked.error is None:
        masked = {name: value for name, value in checked.params.items() if name != "secret"}
        assert masked == {name: value for name, value in expected["params"].items() if name != "secret"}
    # A text before ansible-core 2.19, a record since.
    warnings = [each if isinstance(each, str) else each["event"]["msg"] for each in expected.get("warnings", [])]
    assert checked.warnings == warnings
    assert checked.secrets == ({"hidden-secret"} if arguments.get("secret") else set())


def test_after_an_error_what_was_given_is_kept() -> None:
    checked = check_arguments(MODULE, "x", {"choice": "c", "wrong": 1})
    assert checked.error is not None
    assert (checked.params["choice"], checked.params["wrong"], checked.params["number"]) == ("c", 1, 3)


def test_options_of_a_cloud_are_options_of_the_module() -> None:
    module = Module(lambda _context: None, {"word": {"type": "str"}}, providers=[HWC])
    checked = check_arguments(module, "x", {"hwc_secret_key": "hidden-secret", "hwc_timeout": "5"})
    assert (checked.error, checked.params["hwc_timeout"]) == (None, 5.0)
    assert checked.secrets == {"hidden-secret"}
