# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official package ``alibabacloud_credentials``, for the kinds of credentials that take more than a signed request.

It is needed for these only, and imported when one of them is asked for.
"""

from __future__ import annotations

import importlib
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable

PACKAGE = "alibabacloud_credentials"
#: Seconds after which the package is asked again: it renews its keys by itself and does not say when they end.
KEPT = 600.0


def provide(
    provider: str,
    source: str,
    hide: t.Sequence[str],
    arguments: t.Mapping[str, t.Any],
    *,
    now: t.Callable[[], float],
    load: t.Callable[[str], t.Any] = importlib.import_module,
) -> RefreshableKey:
    """Return keys that a provider of the package gets.

    Args:
        provider: Name of its class.
        source: Where its arguments come from, for people.
        hide: Secrets that its messages must not show.
        arguments: For the class.
        now: The time in seconds since the epoch.
        load: Imports a module by its name.

    Raises:
        CredentialsError: The package is not installed, or it has no key.
    """
    try:
        module = load(f"{PACKAGE}.provider")
    except ImportError:
        raise CredentialsError(
            f"{source} holds credentials of a kind that needs the Python package {PACKAGE}, which is not installed "
            "for the Python that runs this module.",
            hint=f"Install it there (pip install {PACKAGE}), or give an access key or a RAM role instead.",
        ) from None
    made: list[t.Any] = []

    def fetch(_deadline: float) -> AccessKey:
        try:
            if not made:
                made.append(getattr(module, provider)(**arguments))
            key = made[0].get_credentials()
        except Exception as error:
            # Whatever the package raises: it has no common class for it.
            text = printable(Secrets(hide).mask(str(error)), SENTENCE)
            raise CredentialsError(f"{PACKAGE} could not get a key for {source}: {text}") from None
        return AccessKey(
            key.get_access_key_id(),
            key.get_access_key_secret(),
            key.get_security_token() or None,
            source,
            renew_at=now() + KEPT,
        )

    return RefreshableKey(source, fetch, fetch(0.0))
