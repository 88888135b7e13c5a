# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services, one file each: their operations, and the states of their tasks. ``registry`` lists them."""
