"""Schemathesis asks the API what its schema allows and what it does not, as each role: never an error of ours, and no
answer that the schema does not name."""

import os

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import status_code_conformance

from cases.models import Case
from mpsite.access import ROLES
from tests.people import api_token, person

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = int(os.environ.get("ABUSE_EXAMPLES", "4"))


@pytest.fixture(scope="module")
def schema():
    made = SchemaGenerator().get_schema(public=True)
    return schemathesis.openapi.from_dict(made)


@pytest.mark.parametrize("role", [*ROLES, "nobody", "superuser"])
def test_no_answer_is_an_error_or_undocumented(schema, role, any_model, make_case, collection, camera):
    there = {"cases": make_case(index=False).pk, "collections": collection.pk, "cameras": camera.pk}
    if role == "superuser":
        asker = User.objects.create_superuser("root")
    else:
        asker = person("asker", *([] if role == "nobody" else [role]))
    token = api_token(asker)
    application = get_wsgi_application()
    wrong: list[str] = []
    asked = 0
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy(generation_mode=GenerationMode.POSITIVE)

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=strategy)
        def ask(case) -> None:
            nonlocal asked
            asked += 1
            # Every other time of something that is there.
            thing = there.get(case.path.split("/")[3] if case.path.startswith("/api/v1/") else "")
            if thing and asked % 2 and "id" in case.path_parameters:
                case.path_parameters["id"] = thing
            answer = case.call(app=application, headers={"Authorization": f"Token {token}"})
            if answer.status_code >= 500:
                wrong.append(f"{case.method} {case.formatted_path}: {answer.status_code}")
                return
            try:
                case.validate_response(answer, checks=[status_code_conformance])
            except FailureGroup:
                wrong.append(f"{case.method} {case.path}: {answer.status_code} is not in the schema")

        ask()
    assert sorted(set(wrong)) == []
    assert asked > 50
    assert Case.objects.exists()
