# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the role ``keypair_reset`` as pure functions over records, one record for each server.

The role's tasks send the requests, in batches, and hand the results to these functions:

* ``inputs`` parses the variables of the hosts; ``play`` and ``connection`` read them from Ansible.
* ``batching`` groups the servers for the requests of a stage.
* ``planning`` decides what is done to each server, ``execution`` notes the results, ``verification`` those of the logins.
* ``reporting`` writes the plan, the report, the figures for workflows, and the journal.

A task of the role never fails; one that went wrong has no ``servers``, ``tasks`` or ``keypairs`` in its result.
"""
