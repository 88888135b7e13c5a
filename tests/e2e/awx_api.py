# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stub of AWX's REST API: as much of it as awx.awx uses to set something up, with the rules that AWX has for each field.

The rules are those of AWX 24.6: the serializers of ``awx/api/serializers.py``, the views of ``awx/api/views/``, and the
constraints of ``awx/main/models/``. Nothing is ever run: an update of a project ends at once, and workflows do not start.
"""

from __future__ import annotations

import base64
import dataclasses
import http.server
import itertools
import json
import re
import threading
import typing as t
import urllib.parse

from .awx import CredentialType

Body = dict[str, t.Any]
API = "/api/v2/"
#: Rows on a page of a list; AWX has 25, and here a list of a few has two pages.
PAGE = 4
TOKEN = "token-of-the-stub"
USER, PASSWORD = "admin", "password-of-the-stub"


class AwxError(Exception):
    """A request that AWX rejects.

    Attributes:
        status: The HTTP status.
        body: The JSON of the response.
    """

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def invalid(field: str, message: str) -> AwxError:
    """Return the error of a field that does not pass validation."""
    return AwxError(400, {field: [message]})


@dataclasses.dataclass(frozen=True)
class Field:
    """A field that can be written.

    Attributes:
        kind: A type, or the endpoint of the objects that it refers to.
        default: Its value in an object that was made without it.
        required: Whether an object cannot be made without it.
        null: Whether it may be null.
        choices: What it may hold; empty means anything.
        maximum: Greatest length of text.
    """

    kind: type | str
    default: t.Any = None
    required: bool = False
    null: bool = False
    choices: tuple[str, ...] = ()
    maximum: int = 1024

    def parse(self, name: str, value: t.Any, awx: Awx) -> t.Any:
        """Return the value as AWX stores it.

        Raises:
            ApiError: AWX would not take it.
        """
        if value is None and self.null:
            return None
        if value is None and self.kind in (str, bool):
            # AWX makes empty text, or false, of null.
            return self._text(name, "") if self.kind is str else False
        if value is None:
            raise invalid(name, "This field may not be null.")
        if isinstance(self.kind, str):
            return self._reference(name, value, awx)
        if self.kind is bool and isinstance(value, bool):
            return value
        if self.kind is int and not isinstance(value, bool) and re.fullmatch(r"-?\d+", str(value)):
            return int(value)
        if self.kind is dict and isinstance(value, dict):
            return value
        if self.kind is str and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return self._text(name, str(value).strip())
        raise invalid(name, f"Not a valid {getattr(self.kind, '__name__', self.kind)}.")

    def _text(self, name: str, text: str) -> str:
        if self.required and not text:
            raise invalid(name, "This field may not be blank.")
        if self.choices and text not in self.choices:
            raise invalid(name, f'"{text}" is not a valid choice.')
        if len(text) > self.maximum:
            raise invalid(name, f"Ensure this field has no more than {self.maximum} characters.")
        return text

    def _reference(self, name: str, value: t.Any, awx: Awx) -> int | None:
        if value == "" and self.null:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(name, f"Incorrect type. Expected pk value, received {type(value).__name__}.")
        if not any(value in awx.objects[endpoint] for endpoint in UNIFIED.get(str(self.kind), (str(self.kind),))):
            raise invalid(name, f'Invalid pk "{value}" - object does not exist.')
        return value


NAME = Field(str, required=True, maximum=512)
TEXT = Field(str, "")
LONG = Field(str, "", maximum=1_000_000)
OFF = Field(bool, False)
PROMPTS = {
    **dict.fromkeys(("scm_branch", "job_type", "job_tags", "limit", "skip_tags"), Field(str, null=True)),
    **dict.fromkeys(("verbosity", "forks", "job_slice_count", "timeout"), Field(int, null=True)),
    "diff_mode": Field(bool, null=True),
    "inventory": Field("inventories", null=True),
    "execution_environment": Field("execution_environments", null=True),
    "extra_data": Field(dict, {}),
}
ASKS = ("scm_branch", "diff_mode", "variables", "limit", "tags", "skip_tags", "job_type", "verbosity", "inventory")
MORE_ASKS = ("credential", "execution_environment", "labels", "forks", "job_slice_count", "timeout", "instance_groups")
#: Which endpoints the objects of a reference may come from, where that is not the one of its name.
UNIFIED = {
    "unified_job_templates": ("projects", "job_templates", "workflow_job_templates"),
    "nodes_templates": ("projects", "job_templates", "workflow_job_templates", "workflow_approval_templates"),
}


@dataclasses.dataclass(frozen=True)
class Resource:
    """A kind of objects.

    Attributes:
        type: What an object of it says in ``type``.
        fields: What can be written.
        unique: Fields that no two objects have the same values in.
        links: Lists of other objects that an object has, and the endpoint of these.
        fixed: Fields that cannot be changed once the object is made.
    """

    type: str
    fields: t.Mapping[str, Field]
    unique: tuple[str, ...] = ("name",)
    links: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    fixed: tuple[str, ...] = ()


NODES = dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes")
DESCRIBED = {"name": NAME, "description": LONG}
OWNED = {**DESCRIBED, "organization": Field("organizations", null=True)}
RESOURCES = {
    "organizations": Resource("organization", {**DESCRIBED, "max_hosts": Field(int, 0)}),
    "credential_types": Resource(
        "credential_type",
        {
            **DESCRIBED,
            "kind": Field(str, required=True, choices=("cloud", "net")),
            "inputs": Field(dict, {}),
            "injectors": Field(dict, {}),
        },
        unique=("name", "kind"),
    ),
    "credentials": Resource(
        "credential",
        {**OWNED, "credential_type": Field("credential_types", required=True), "inputs": Field(dict, {})},
        unique=("name", "organization", "credential_type"),
    ),
    "execution_environments": Resource(
        "execution_environment",
        {
            **OWNED,
            "image": Field(str, required=True),
            "credential": Field("credentials", null=True),
            "pull": Field(str, "", choices=("", "always", "missing", "never")),
        },
        fixed=("organization",),
    ),
    "projects": Resource(
        "project",
        {
            **OWNED,
            "scm_type": Field(str, "", choices=("", "git", "svn", "insights", "archive")),
            "scm_url": TEXT,
            "scm_branch": Field(str, "", maximum=256),
            "scm_refspec": TEXT,
            "local_path": TEXT,
            "credential": Field("credentials", null=True),
            "default_environment": Field("execution_environments", null=True),
            **dict.fromkeys(("scm_clean", "scm_delete_on_update", "scm_track_submodules"), OFF),
            **dict.fromkeys(("scm_update_on_launch", "allow_override"), OFF),
            **dict.fromkeys(("scm_update_cache_timeout", "timeout"), Field(int, 0)),
        },
        unique=("name", "organization"),
    ),
    "inventories": Resource(
        "inventory",
        {
            **DESCRIBED,
            "organization": Field("organizations", required=True),
            "kind": Field(str, "", choices=("", "smart", "constructed")),
            "host_filter": Field(str, null=True),
            "variables": LONG,
            "prevent_instance_group_fallback": OFF,
        },
        unique=("name", "organization"),
        fixed=("kind",),
    ),
    "hosts": Resource(
        "host",
        {
            **DESCRIBED,
            "inventory": Field("inventories", required=True),
            "enabled": Field(bool, True),
            "variables": LONG,
        },
        unique=("name", "inventory"),
        fixed=("inventory",),
    ),
    "job_templates": Resource(
        "job_template",
        {
            **DESCRIBED,
            "job_type": Field(str, "run", choices=("run", "check")),
            "inventory": Field("inventories", null=True),
            "project": Field("projects", null=True),
            "execution_environment": Field("execution_environments", null=True),
            **dict.fromkeys(("playbook", "scm_branch", "limit", "skip_tags", "start_at_task"), TEXT),
            **dict.fromkeys(("job_tags", "extra_vars"), LONG),
            **dict.fromkeys(("forks", "verbosity", "timeout"), Field(int, 0)),
            "job_slice_count": Field(int, 1),
            **{f"ask_{what}_on_launch": OFF for what in (*ASKS, *MORE_ASKS)},
            **dict.fromkeys(("survey_enabled", "become_enabled", "diff_mode", "allow_simultaneous"), OFF),
            **dict.fromkeys(("force_handlers", "use_fact_cache", "prevent_instance_group_fallback"), OFF),
        },
        unique=("name", "organization"),
        links={"credentials": "credentials"},
    ),
    "workflow_job_templates": Resource(
        "workflow_job_template",
        {
            **OWNED,
            "extra_vars": LONG,
            "inventory": Field("inventories", null=True),
            **dict.fromkeys(("limit", "scm_branch", "job_tags", "skip_tags"), Field(str, null=True)),
            **dict.fromkeys(("survey_enabled", "allow_simultaneous"), OFF),
            **{f"ask_{what}_on_launch": OFF for what in ("variables", "inventory", "scm_branch", "limit", "labels")},
        },
        unique=("name", "organization"),
    ),
    "workflow_job_template_nodes": Resource(
        "workflow_job_template_node",
        {
            **PROMPTS,
            "workflow_job_template": Field("workflow_job_templates", required=True),
            "unified_job_template": Field("nodes_templates", null=True),
            "all_parents_must_converge": OFF,
            "identifier": Field(str, required=True, maximum=512),
        },
        unique=("identifier", "workflow_job_template"),
        links={**NODES, "credentials": "credentials"},
        fixed=("workflow_job_template",),
    ),
    "workflow_approval_templates": Resource(
        "workflow_approval_template", {**DESCRIBED, "timeout": Field(int, 0)}, unique=()
    ),
    "schedules": Resource(
        "schedule",
        {
            **PROMPTS,
            **DESCRIBED,
            "unified_job_template": Field("unified_job_templates", required=True),
            "rrule": Field(str, required=True, maximum=1_000_000),
            "enabled": Field(bool, True),
        },
        unique=("name", "unified_job_template"),
        links={"credentials": "credentials"},
    ),
    "project_updates": Resource("project_update", {"project": Field("projects", required=True)}, unique=()),
}
#: What AWX ignores in a request, and awx.awx sends: the first two can only be read, the last comes from the project.
IGNORED = {"managed", "type", "organization"}
QUESTION_TYPES: t.Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("text", "textarea", "password", "multiplechoice", "multiselect"), str),
    "integer": int,
    "float": (float, int),
}


class Awx:
    """A running stub; a context manager.

    Args:
        playbooks: The playbooks that AWX finds in the repository of a project.

    Attributes:
        objects: The objects of each endpoint, by id.
        requests: Method and path of every request.
        surveys: The surveys, by the path of the template.
        unknown: Fields that a request had and AWX does not know; it ignores them.
    """

    def __init__(self, playbooks: t.Collection[str]) -> None:
        self.playbooks = playbooks
        self.objects: dict[str, dict[int, Body]] = {endpoint: {} for endpoint in RESOURCES}
        self.requests: list[tuple[str, str]] = []
        self.surveys: dict[str, Body] = {}
        self.unknown: set[str] = set()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"awx": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.add("organizations", name="Default")

    def __enter__(self) -> t.Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which awx.awx finds it."""
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [request for request in self.requests if request[0] != "GET"]

    def add(self, endpoint: str, **fields: t.Any) -> Body:
        """Make an object as if a user had."""
        return self._create(endpoint, fields)

    def named(self, endpoint: str) -> dict[str, Body]:
        """Return the objects of an endpoint by name; nodes by identifier."""
        name = "identifier" if endpoint == "workflow_job_template_nodes" else "name"
        return {one[name]: one for one in self.objects[endpoint].values()}

    def survey(self, endpoint: str, name: str) -> list[Body]:
        """Return the questions of a template."""
        found: list[Body] = self.surveys[f"{endpoint}/{self.named(endpoint)[name]['id']}"]["spec"]
        return found

    # --- Requests

    def answer(self, method: str, path: str, query: Body, body: Body) -> tuple[int, Body | None]:
        """Answer an authorized request.

        Args:
            method: The HTTP method.
            path: What follows ``/api/v2/``, without slashes at its ends.
            query: The parameters of the query.
            body: The JSON of the request.

        Raises:
            ApiError: AWX rejects it.
        """
        with self._lock:
            self.requests.append((method, path))
            endpoint, _slash, rest = path.partition("/")
            if not rest:
                return self._answer_list(method, endpoint, query, body)
            number, _slash, part = rest.partition("/")
            item = self.objects.get(endpoint, {}).get(int(number)) if number.isdigit() else None
            if item is None:
                raise AwxError(404, {"detail": "Not found."})
            if not part:
                return self._answer_item(method, endpoint, item, body)
            return self._answer_part(method, endpoint, item, part, query, body)

    def _answer_list(self, method: str, endpoint: str, query: Body, body: Body) -> tuple[int, Body | None]:
        if method == "POST" and endpoint in RESOURCES and endpoint != "workflow_approval_templates":
            return 201, self._shown(endpoint, self._create(endpoint, body))
        if method != "GET":
            raise AwxError(405, {"detail": f'Method "{method}" not allowed.'})
        if endpoint not in RESOURCES and endpoint not in UNIFIED:
            raise AwxError(404, {"detail": "Not found."})
        rows = [
            self._shown(source, item)
            for source in UNIFIED.get(endpoint, (endpoint,))
            for item in self.objects[source].values()
        ]
        return 200, _page(endpoint, [row for row in rows if self._matches(row, query)], query)

    def _answer_item(self, method: str, endpoint: str, item: Body, body: Body) -> tuple[int, Body | None]:
        if method == "PATCH":
            self._update(endpoint, item, body)
        elif method == "DELETE":
            self._delete(endpoint, item)
            return (202 if endpoint == "inventories" else 204), None
        elif method != "GET":
            raise AwxError(405, {"detail": f'Method "{method}" not allowed.'})
        return 200, self._shown(endpoint, item)

    def _answer_part(
        self, method: str, endpoint: str, item: Body, part: str, query: Body, body: Body
    ) -> tuple[int, Body | None]:
        if part == "survey_spec" and endpoint in ("job_templates", "workflow_job_templates"):
            return 200, self._survey(method, f"{endpoint}/{item['id']}", body)
        if part == "create_approval_template" and endpoint == "workflow_job_template_nodes" and method == "POST":
            approval = self._create("workflow_approval_templates", body)
            item["unified_job_template"] = approval["id"]
            return 201, self._shown("workflow_approval_templates", approval)
        links = RESOURCES[endpoint].links
        if part not in links:
            raise AwxError(404, {"detail": "Not found."})
        if method == "POST":
            self._link(endpoint, item, part, body)
            return 204, None
        rows = [self._shown(links[part], self.objects[links[part]][number]) for number in item[part]]
        return 200, _page(f"{endpoint}/{item['id']}/{part}", rows, query)

    def _matches(self, row: Body, query: Body) -> bool:
        tried: list[bool] = []
        any_of: list[bool] = []
        for name, value in query.items():
            if name in ("page", "page_size"):
                continue
            field = name.removeprefix("or__")
            if field == "credential_type__name":
                found: t.Any = self.objects["credential_types"][row["credential_type"]]["name"]
            elif field in row:
                found = row[field]
            else:
                raise AwxError(400, {"detail": f"{row['type']} has no field named '{field}'"})
            (any_of if name.startswith("or__") else tried).append(str(found) == value)
        return all(tried) and (not any_of or any(any_of))

    # --- Objects

    def _create(self, endpoint: str, given: Body) -> Body:
        resource = RESOURCES[endpoint]
        fields = dict(given)
        if endpoint == "workflow_job_template_nodes":
            fields.setdefault("identifier", f"node-{next(self._ids)}")
        for name, field in resource.fields.items():
            if field.required and name not in fields:
                raise invalid(name, "This field is required.")
        item: Body = {name: field.default for name, field in resource.fields.items()}
        item.update(self._parsed(endpoint, fields), id=0, **{link: [] for link in resource.links})
        self._check(endpoint, item, None)
        item["id"] = next(self._ids)
        self.objects[endpoint][item["id"]] = item
        if endpoint == "projects" and item["scm_type"]:
            update = self._create("project_updates", {"project": item["id"]})
            item["current_update"] = update["id"]
        return item

    def _parsed(self, endpoint: str, given: Body) -> Body:
        fields = RESOURCES[endpoint].fields
        self.unknown |= set(given) - set(fields) - IGNORED
        return {name: fields[name].parse(name, value, self) for name, value in given.items() if name in fields}

    def _update(self, endpoint: str, item: Body, given: Body) -> None:
        changed = {**item, **self._parsed(endpoint, given)}
        for name in RESOURCES[endpoint].fixed:
            if changed[name] != item[name]:
                raise invalid(name, f"Cannot change the {name} of this object.")
        self._check(endpoint, changed, item)
        item.update(changed)

    def _check(self, endpoint: str, item: Body, before: Body | None) -> None:
        if endpoint == "job_templates":
            project = self.objects["projects"].get(item["project"] or 0)
            # AWX takes it from the project, whatever the request says.
            item["organization"] = project and project["organization"]
        unique = RESOURCES[endpoint].unique
        for other in self.objects[endpoint].values() if unique else ():
            if other is not before and all(other[name] == item[name] for name in unique):
                text = f"{RESOURCES[endpoint].type} with this {', '.join(unique)} already exists."
                raise AwxError(400, {"__all__": [text]})
        checks: dict[str, t.Callable[[Body, Body | None], None]] = {
            "credential_types": self._check_credential_type,
            "projects": self._check_project,
            "job_templates": self._check_job_template,
            "schedules": self._check_schedule,
        }
        if check := checks.get(endpoint):
            check(item, before)

    def _check_credential_type(self, item: Body, before: Body | None) -> None:
        for problem in CredentialType(item["name"], item["inputs"], item["injectors"]).problems():
            raise invalid("inputs", problem)
        if before and before["inputs"] != item["inputs"] and self._credentials_of(before):
            text = "Modifications to inputs are not allowed for credential types that are in use"
            raise AwxError(403, {"detail": text})

    def _credentials_of(self, kind: Body) -> list[Body]:
        return [one for one in self.objects["credentials"].values() if one["credential_type"] == kind["id"]]

    def _check_project(self, item: Body, before: Body | None) -> None:
        if item["scm_type"] and not item["scm_url"]:
            raise invalid("scm_url", "SCM URL is required.")

    def _check_job_template(self, item: Body, before: Body | None) -> None:
        if item["project"] is None:
            raise invalid("project", "Job Templates must have a project assigned.")
        if item["inventory"] is None and not item["ask_inventory_on_launch"]:
            raise invalid("inventory", "You must either set a default value or ask to prompt on launch.")
        if not item["playbook"]:
            raise invalid("playbook", "Must select playbook for project.")
        project = self.objects["projects"][item["project"]]
        if "current_update" in project or item["playbook"] not in self.playbooks:
            raise invalid("playbook", "Playbook not found for project.")
        if item["scm_branch"] and not project["allow_override"]:
            raise invalid("scm_branch", "Project does not allow overriding branch.")
        if item["extra_vars"]:
            _json_object("extra_vars", item["extra_vars"])

    def _check_schedule(self, item: Body, before: Body | None) -> None:
        _check_rule(item["rrule"])
        number, given = item["unified_job_template"], item["extra_data"]
        for endpoint in ("job_templates", "workflow_job_templates"):
            if number not in self.objects[endpoint]:
                continue
            template = self.objects[endpoint][number]
            survey = self.surveys.get(f"{endpoint}/{number}", {}) if template["survey_enabled"] else {}
            questions = {question["variable"]: question for question in survey.get("spec", ())}
            wrong = [text for question in questions.values() for text in _answer_problems(question, given)]
            if wrong:
                raise AwxError(400, {"variables_needed_to_start": wrong})
            if set(given) - set(questions) and not template["ask_variables_on_launch"]:
                raise invalid(
                    "extra_data", f"Variables {sorted(set(given) - set(questions))} are not allowed on launch."
                )

    def _delete(self, endpoint: str, item: Body) -> None:
        number = item["id"]
        if endpoint == "credential_types" and self._credentials_of(item):
            raise AwxError(403, {"detail": "Credential types that are in use cannot be deleted"})
        del self.objects[endpoint][number]
        self.surveys.pop(f"{endpoint}/{number}", None)
        kinds = {kind for kind, sources in UNIFIED.items() if endpoint in sources} | {endpoint}
        for other, resource in RESOURCES.items():
            for one in list(self.objects[other].values()):
                for name, field in resource.fields.items():
                    if field.kind in kinds and one[name] == number:
                        # What cannot be without it goes with it, all else forgets it.
                        if field.required:
                            self._delete(other, one)
                        else:
                            one[name] = None
                for name, target in resource.links.items():
                    if target == endpoint and number in one[name]:
                        one[name].remove(number)
        approval = item.get("unified_job_template")
        if endpoint == "workflow_job_template_nodes" and approval in self.objects["workflow_approval_templates"]:
            del self.objects["workflow_approval_templates"][approval]

    def _link(self, endpoint: str, item: Body, part: str, body: Body) -> None:
        number = body.get("id")
        target = RESOURCES[endpoint].links[part]
        if not isinstance(number, int) or number not in self.objects[target]:
            raise AwxError(400, {"id": ["does not exist"]})
        if body.get("disassociate"):
            item[part].remove(number)
            return
        other = self.objects[target][number]
        if part == "credentials":
            kinds = {self.objects[target][one]["credential_type"] for one in item[part]}
            if other["credential_type"] in kinds:
                raise AwxError(400, {"error": "Cannot assign multiple credentials of one type."})
        else:
            self._check_edge(item, part, other)
        item[part].append(number)

    def _check_edge(self, parent: Body, part: str, child: Body) -> None:
        """Check that a line between two nodes leaves the workflow without cycles."""
        if parent["workflow_job_template"] != child["workflow_job_template"]:
            raise AwxError(400, {"Error": "Nodes must be of the same workflow."})
        if any(child["id"] in parent[name] for name in NODES if name != part):
            raise AwxError(400, {"Error": "Relationship not allowed."})
        reached, todo = set(), [child["id"]]
        while todo:
            number = todo.pop()
            if number not in reached:
                reached.add(number)
                node = self.objects["workflow_job_template_nodes"][number]
                todo += [one for name in NODES for one in node[name]]
        if parent["id"] in reached:
            raise AwxError(400, {"Error": "Cycle detected."})

    def _survey(self, method: str, key: str, body: Body) -> Body | None:
        if method == "GET":
            return self.surveys.get(key, {})
        if method == "DELETE":
            self.surveys.pop(key, None)
        else:
            check_survey(body)
            self.surveys[key] = body
        return None

    def _shown(self, endpoint: str, item: Body) -> Body:
        """Return an object as the API shows it."""
        resource = RESOURCES[endpoint]
        url = f"{API}{endpoint}/{item['id']}/"
        related = {name: f"{url}{name}/" for name in resource.links}
        for name, field in resource.fields.items():
            if isinstance(field.kind, str) and item[name] is not None:
                sources = UNIFIED.get(field.kind, (field.kind,))
                source = next(source for source in sources if item[name] in self.objects[source])
                related[name] = f"{API}{source}/{item[name]}/"
        shown = {**item, "type": resource.type, "url": url, "related": related, "summary_fields": {}}
        if endpoint in ("credential_types", "execution_environments"):
            shown["managed"] = False
        if endpoint in ("job_templates", "workflow_job_templates"):
            related["survey_spec"] = f"{url}survey_spec/"
        if endpoint == "project_updates":
            # It has ended when it is first looked at, and the project has its playbooks.
            self.objects["projects"][item["project"]].pop("current_update", None)
            shown.update(status="successful", failed=False, finished="2027-01-01T00:00:00Z")
        if endpoint == "projects":
            related["update"] = f"{url}update/"
            shown.update(scm_revision="", status="pending" if "current_update" in item else "successful")
            if number := shown.pop("current_update", None):
                shown["summary_fields"] = {"current_update": {"id": number, "status": "pending", "failed": False}}
        return shown


def check_survey(survey: Body) -> None:
    """Check a survey as AWX does.

    Raises:
        ApiError: AWX rejects it.
    """
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(name), kind):
            raise AwxError(400, {"error": f"Field '{name}' is missing from survey spec, or not a {kind.__name__}."})
    if not survey["spec"]:
        raise AwxError(400, {"error": "'spec' doesn't contain any items."})
    seen = set()
    for number, question in enumerate(survey["spec"]):
        for problem in _question_problems(question):
            raise AwxError(400, {"error": f"survey question {number}: {problem}"})
        if question["variable"] in seen:
            raise AwxError(
                400, {"error": f"'variable' '{question['variable']}' duplicated in survey question {number}."}
            )
        seen.add(question["variable"])


def _question_problems(question: Body) -> t.Iterator[str]:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(name), kind):
            yield f"'{name}' is missing, or not a {kind.__name__}"
            return
    kind_of_answer = QUESTION_TYPES.get(question["type"])
    if kind_of_answer is None:
        yield f"'{question['type']}' is not an allowed question type"
        return
    default = question.get("default", "")
    if default != "" and (isinstance(default, bool) or not isinstance(default, kind_of_answer)):
        yield f"the default is not of the type {question['type']}"
    for limit in ("min", "max"):
        value = question.get(limit)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            yield f"the {limit} limit is not an integer"
    if question["type"] in ("multiplechoice", "multiselect"):
        choices = question.get("choices")
        choices = choices.splitlines() if isinstance(choices, str) else choices
        if not choices:
            yield "choices are missing"
        elif [one for one in default.splitlines() if one not in choices]:
            yield "the default is not among the choices"


def _answer_problems(question: Body, given: Body) -> t.Iterator[str]:
    """Yield what is wrong with the answer to a question of a survey."""
    name, kind = question["variable"], question["type"]
    if name not in given:
        if question["required"]:
            yield f"'{name}' value missing"
        return
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, QUESTION_TYPES[kind]):
        yield f"Value {value} for '{name}' expected to be of the type {kind}."
    elif kind == "multiplechoice":
        if value not in question["choices"]:
            yield f"Value {value} for '{name}' expected to be one of {question['choices']}."
    else:
        size = len(value) if isinstance(value, str) else value
        if size < question.get("min", size) or size > question.get("max", size):
            yield f"'{name}' value {value} is too small or too large."


def _check_rule(rule: str) -> None:
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
    rules = re.findall(r"RULE:\S*", rule)
    problems = []
    if len(starts) != 1:
        problems.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
        problems.append("DTSTART cannot be a naive datetime.")
    if not rules:
        problems.append("One or more rule required in rrule.")
    problems += [f"INTERVAL required in rrule: {one}" for one in rules if "interval" not in one.lower()]
    problems += [f"SECONDLY is not supported: {one}" for one in rules if "secondly" in one.lower()]
    if problems:
        raise AwxError(400, {"rrule": problems})


def _json_object(name: str, text: str) -> None:
    try:
        loaded = json.loads(text)
    except ValueError:
        loaded = None
    if not isinstance(loaded, dict):
        raise invalid(name, "Cannot parse as JSON.")


def _page(path: str, rows: list[Body], query: Body) -> Body:
    number, size = int(query.get("page", 1)), int(query.get("page_size", PAGE))
    rest = {name: value for name, value in query.items() if name != "page"}
    following = urllib.parse.urlencode({**rest, "page": number + 1})
    return {
        "count": len(rows),
        "next": f"{API}{path}/?{following}" if number * size < len(rows) else None,
        "previous": None,
        "results": rows[(number - 1) * size : number * size],
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    """The handler that turns HTTP into calls of the stub."""

    awx: Awx
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a request of any method."""
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        path = parts.path.removeprefix(API).strip("/")
        try:
            if path.partition("/")[0] == "tokens":
                answer = self._token()
            else:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise AwxError(401, {"detail": "Authentication credentials were not provided."})
                answer = self.awx.answer(self.command, path, query, json.loads(body or b"{}"))
        except AwxError as error:
            answer = (error.status, error.body)
        self._send(*answer)

    do_POST = do_PATCH = do_DELETE = do_GET

    def _token(self) -> tuple[int, Body | None]:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            raise AwxError(401, {"detail": "Invalid username/password."})
        return (201, {"id": 1, "token": TOKEN}) if self.command == "POST" else (204, None)

    def _send(self, status: int, body: Body | None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(content)
