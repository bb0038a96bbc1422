"""The read API against its own OpenAPI document: whatever a program asks is answered as the document says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from explorer.api.app import document
from tests.explorer.conftest import Growing
from tests.explorer.test_pages_index import scene  # noqa: F401 - the same chain

pytestmark = pytest.mark.django_db(transaction=True)


def test_api_keeps_to_its_document(scene: Growing) -> None:  # noqa: F811 - the fixture
    """Good and bad requests of every operation, by all of schemathesis' checks."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    asked = 0
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    operations = [found.ok() for found in schema.get_all_operations()]
    # what has no parameters cannot be asked wrongly
    wrong = [one for one in operations if one.path_parameters or one.query]
    for mode, operation in [*((modes[0], one) for one in operations), *((modes[1], one) for one in wrong)]:

        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            case.call_and_validate(headers={"Accept-Encoding": "identity"})

        holds()
        asked += 1
    assert asked == len(document()["paths"]) + len(wrong)


def test_every_route_is_described() -> None:
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert {"200", "429"} <= {str(status) for status in operation["responses"]}, path
