"""Whether a server answers as it says of itself: statuses, kinds of content, and JSON to the last member."""

import re
from copy import deepcopy
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

METHODS = {"HEAD": "get"}

Json = dict[str, Any]


class Description:
    """The OpenAPI document of one server."""

    def __init__(self, document: Json) -> None:
        self.document = document
        closed = deepcopy(document["components"])
        for schema in closed["schemas"].values():
            # What is answered has no member that is not described.
            if "properties" in schema:
                schema["additionalProperties"] = False
        self._closed = closed
        self._paths = {
            path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)).replace("player/[^/]+", "player/[^/].*"))
            for path in document["paths"]
        }

    def operation(self, method: str, path: str) -> Json | None:
        """What is said of requests like this, if there is such a route; paths without parameters go first."""
        name = METHODS.get(method, method.lower())
        fitting = [each for each, pattern in self._paths.items() if pattern.fullmatch(path.removesuffix("/") or "/")]
        operations = [self.document["paths"][each] for each in sorted(fitting, key=lambda each: each.count("{"))]
        found: Json | None = next((each[name] for each in operations if name in each), None)
        return found

    def check(self, answer: httpx2.Response) -> None:
        """Fail where an answer is not as it is described; its body has been read, unless it is not JSON."""
        request = answer.request
        operation = self.operation(request.method, request.url.path)
        where = f"{request.method} {request.url.path} {answer.status_code}"
        if operation is None:
            assert answer.status_code in {308, 404, 405, 429, 403}, where
            return
        assert str(answer.status_code) in operation["responses"], f"{where} is not described"
        told = operation["responses"][str(answer.status_code)]
        if "$ref" in told:
            told = self.document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        content = told.get("content", {})
        kind = answer.headers.get("Content-Type")
        assert kind in content or (kind is None and not content) or "*/*" in content, f"{where}: {kind}"
        schema = content.get(kind, {}).get("schema")
        if schema is not None and request.method != "HEAD":
            validator = Draft202012Validator({**schema, "components": self._closed})
            validator.validate(answer.json())

    async def look(self, answer: httpx2.Response) -> None:
        """The same for the hooks of a client."""
        if "json" in answer.headers.get("Content-Type", ""):
            await answer.aread()
        self.check(answer)
