# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source ``cloud_task`` of Event-Driven Ansible: an event for each task that ends.

It runs inside ansible-rulebook, which starts it with ``main`` of ``extensions/eda/plugins/event_source/cloud_task.py``. Files,
from the bottom up: ``options`` (what a rulebook may say), ``events`` (what the rules get), ``state`` (the file that survives a
restart), ``discovery`` (tasks that the service lists), ``poller`` (one step of all the blocking work), ``running`` (the
coroutines: polling in a thread, and the delivery of events).
"""
