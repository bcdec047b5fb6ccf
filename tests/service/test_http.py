"""The routes beside the served graph, as its page of documentation shows them."""

import json

import pytest
from starlette.schemas import SchemaGenerator

from memento.service.http import app


def test_the_documentation_of_the_routes_is_json_as_it_stands() -> None:
    schema = SchemaGenerator({"openapi": "3.1.0", "info": {"title": "routes", "version": "1"}}).get_schema(app.routes)
    responses = schema["paths"]["/feedback"]["post"]["responses"]
    assert list(responses) == [
        "200",
        "401",
        "404",
        "409",
        "413",
        "415",
        "422",
        "503",
    ]  # numbers are no keys of JSON: the server answers 500
    assert json.loads(json.dumps(schema)) == schema


def test_the_former_name_of_the_app_works() -> None:
    with pytest.warns(DeprecationWarning, match=r"memento\.service\.http"):
        from memento.graph.http import app as former
    assert former is app
