# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of the environment that the collection reads is documented: with its option, and in the guide."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.multicloud.async_tasks.plugins.doc_fragments import ali, hwc
from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import credentials as alibaba
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials as huawei

ROOT = Path(__file__).resolve().parents[2]
INDEX = (ROOT / "docs" / "docsite" / "rst" / "guide_environment.rst").read_text(encoding="utf-8")
DOCS = ROOT / "docs" / "docsite"
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_authentication.rst").read_text(encoding="utf-8")
#: A variable of either cloud, as the sources write it.
NAME = re.compile(r'"((?:HW|HWC|HC|HUAWEICLOUD|OS|ALI|ALIBABA_CLOUD|ALICLOUD|ALIBABACLOUD|CLOUDSSO|STS)_[A-Z0-9_]+)"')
#: A part of such a name, and an option's name in the words of a message.
PARTS = {"HUAWEICLOUD_SDK_REGION_", "HUAWEICLOUD_OIDC_"}

CLOUDS: list[tuple[str, t.Any, dict[str, tuple[str, ...]]]] = [
    ("_huawei", hwc, huawei.ENVIRONMENT),
    ("_alibaba", ali, alibaba.ENVIRONMENT),
]


def read_by(cloud: str) -> set[str]:
    """Return the variables that the sources of a cloud name."""
    files = (ROOT / "plugins" / "module_utils" / cloud).glob("*.py")
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))} - PARTS


@pytest.mark.parametrize(("cloud", "fragment", "table"), CLOUDS, ids=[cloud for cloud, *_rest in CLOUDS])
def test_every_variable_is_in_the_guide(cloud: str, fragment: t.Any, table: dict[str, tuple[str, ...]]) -> None:
    names = read_by(cloud)
    assert len(names) > 20
    assert sorted(name for name in names if f"``{name}``" not in GUIDE and f"{name}=" not in GUIDE) == []


@pytest.mark.parametrize("cloud", [cloud for cloud, *_rest in CLOUDS])
def test_every_variable_is_in_the_index(cloud: str) -> None:
    indexed = set(re.findall(r"^\.\. envvar:: (\w+)$", INDEX, re.MULTILINE))
    assert read_by(cloud) - indexed == set()
    assert sorted(indexed) == yaml.safe_load((DOCS / "config.yml").read_text(encoding="utf-8"))["envvar_directives"]


@pytest.mark.parametrize(("cloud", "fragment", "table"), CLOUDS, ids=[cloud for cloud, *_rest in CLOUDS])
def test_the_variables_of_an_option_are_with_the_option(
    cloud: str, fragment: t.Any, table: dict[str, tuple[str, ...]]
) -> None:
    text = fragment.ModuleDocFragment.DOCUMENTATION
    for option, names in table.items():
        description = text.partition(f"\n  {option}:\n")[2].partition("\n    type:")[0]
        assert [name for name in names if f"E({name})" not in description] == [], option


@pytest.mark.parametrize(("cloud", "fragment", "table"), CLOUDS, ids=[cloud for cloud, *_rest in CLOUDS])
def test_the_guide_has_a_row_for_every_option(cloud: str, fragment: t.Any, table: dict[str, tuple[str, ...]]) -> None:
    for option, names in table.items():
        row = GUIDE.partition(f"   * - ``{option}``\n")[2].partition("\n   * -")[0]
        assert re.findall(r"``([A-Z_]+)``", row) == list(names), option
