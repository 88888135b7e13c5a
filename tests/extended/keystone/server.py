# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keystone on a port of the loopback, until the process is ended: ``python server.py DIRECTORY PASSWORD``.

A script, for Keystone is configured once per process. It prints its address when it is ready. Tables are made from Keystone's
models and not by its 40 migrations, which take minutes on a busy machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

#: Seconds that a token lives: more than a request takes, less than a test does.
EXPIRATION = 6
#: Wrong passwords in a row after which a user is locked.
FAILURES = 3

CONFIGURATION = """
[DEFAULT]
log_dir = {directory}
use_stderr = false
[database]
connection = sqlite:///{directory}/keystone.db
[token]
provider = fernet
expiration = {expiration}
allow_expired_window = 0
[fernet_tokens]
key_repository = {directory}/fernet
[fernet_receipts]
key_repository = {directory}/fernet
[credential]
key_repository = {directory}/credential
[cache]
enabled = false
[security_compliance]
lockout_failure_attempts = {failures}
lockout_duration = 600
[identity]
password_hash_rounds = 4
"""


def main(directory: Path, password: str) -> None:
    """Set up a database with an administrator, and serve."""
    from cryptography.fernet import Fernet

    for name in ("fernet", "credential"):
        repository = directory / name
        repository.mkdir(mode=0o700)
        for number in ("0", "1"):
            (repository / number).write_bytes(Fernet.generate_key())
            (repository / number).chmod(0o600)
    configuration = directory / "keystone.conf"
    configuration.write_text(
        CONFIGURATION.format(directory=directory, expiration=EXPIRATION, failures=FAILURES), encoding="utf-8"
    )

    from keystone.cmd import bootstrap
    from keystone.common import sql
    from keystone.server.flask import core
    from werkzeug.serving import make_server

    application = core.initialize_application("public", config_files=[str(configuration)])
    with sql.session_for_write() as session:
        sql.ModelBase.metadata.create_all(session.get_bind())
    # The application has loaded the backends, which can be done once only.
    with mock.patch.object(bootstrap.backends, "load_backends"):
        bootstrapper = bootstrap.Bootstrapper()
    bootstrapper.admin_username, bootstrapper.admin_password = "admin", password
    bootstrapper.project_name, bootstrapper.admin_role_name = "admin", "admin"
    bootstrapper.region_id, bootstrapper.service_name = "cn-north-4", "keystone"
    bootstrapper.public_url = "http://127.0.0.1/v3"
    bootstrapper.bootstrap()
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    # Keystone reads the command line, too.
    del sys.argv[1:]
    main(Path(arguments[0]), arguments[1])
