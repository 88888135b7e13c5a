# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: one transport, one deadline, one retry rule, one way to decode.

This layer is the same for all clouds. A client builds and signs a new ``Request`` for every attempt, passes it to a
``Transport``, and turns the ``Response`` into data or an error. ``Http.call`` decides whether there is another attempt.
"""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import (
    MAX_BODY,
    Request,
    Response,
    Transport,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import secrets_of
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.responses import (
    FOREIGN,
    decode_json,
    shown,
    unexpected,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.retry import (
    FIRST_PAUSE,
    MAX_PAUSE,
    Budget,
    Http,
    retry_pause,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.transport import (
    REQUESTS_IMPORT_ERROR,
    RequestsTransport,
)

__all__ = [
    "FIRST_PAUSE",
    "FOREIGN",
    "MAX_BODY",
    "MAX_PAUSE",
    "REQUESTS_IMPORT_ERROR",
    "Budget",
    "Http",
    "Request",
    "RequestsTransport",
    "Response",
    "Transport",
    "decode_json",
    "retry_pause",
    "secrets_of",
    "shown",
    "unexpected",
]
