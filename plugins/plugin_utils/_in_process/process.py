# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a module, set up in the worker: environment, directory, standard streams, an end."""

from __future__ import annotations

import contextlib
import io
import os
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock

#: Seconds between two checks of whether the controller is still there.
CHECK_INTERVAL = 1.0


@contextlib.contextmanager
def module_process(environ: t.Mapping[str, str], directory: str) -> t.Iterator[None]:
    """Set the environment, the directory and the streams that a module would have, for as long as the context lasts.

    What libraries write is dropped, as it is with modules. With ansible-core 2.16 a thread that wrote would wait for ever:
    a worker is forked while the lock of Display, which guards both streams there, is held.

    Args:
        environ: Variables to set beside those of the controller.
        directory: Where Ansible starts local modules: the directory of the playbook.
    """
    before, place = dict(os.environ), os.getcwd()
    try:
        os.environ.update(environ)
        os.chdir(directory)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


class WorkerClock(SystemClock):
    """The clock of a worker; it ends the process soon after the controller is gone, which no result could reach.

    Every request, pause and poll reads the time first, so that nothing is sent afterwards.
    """

    def __init__(self) -> None:
        self._controller = os.getppid()

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        self._check_controller()
        return super().monotonic()

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds; a negative number counts as 0."""
        end = self.monotonic() + seconds
        while (left := end - self.monotonic()) > 0:
            super().sleep(min(left, CHECK_INTERVAL))

    def _check_controller(self) -> None:
        if os.getppid() != self._controller:
            os._exit(1)
