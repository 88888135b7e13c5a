# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The course of the role ``keypair_reset`` as pure functions over records, one record a server.

The role's tasks are the effects: they ask the cloud in batches and hand the answers to the functions of ``planning`` and
``course``; ``batching`` tells the next task what to ask for, ``reporting`` what became of a server. So nothing that runs
once for many servers has to fail or to look at one host, and every rule of the reset can be read and tested here.

A task of the role never fails by itself; one that went wrong has no ``servers``, ``tasks`` or ``keypairs`` in its result.
"""
