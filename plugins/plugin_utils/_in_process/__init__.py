# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules of this collection run in the worker process of ansible-playbook, where that gives the same result.

``rule`` decides whether it does, ``arguments`` makes the options that a module would get, ``process`` sets up what a
process of its own would have had, ``clients`` shares logins between the items of a loop, ``action`` is the base of the
action plugins.
"""
