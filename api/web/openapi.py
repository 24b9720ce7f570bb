"""The OpenAPI document: what FastAPI makes of the endpoints, and what it can't know of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.web.problems import Problem, responses

REFERENCE = "#/components/schemas/{model}"
WITH_BODY = ("post", "put", "patch")


class Application(FastAPI):
    """An application whose document has the schema of problems, which no endpoint returns as such."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            schema = Problem.model_json_schema(ref_template=REFERENCE)
            document["components"]["schemas"] |= {**schema.pop("$defs"), Problem.__name__: schema}
            for methods in document["paths"].values():
                for method in methods.keys() & WITH_BODY:
                    methods[method]["responses"] |= {str(status): said for status, said in responses(413).items()}
        return self.openapi_schema or {}
