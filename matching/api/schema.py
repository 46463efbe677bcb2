"""The answers that any call may give, added to what its view declares."""

from typing import Any

SAID = {
    "400": "The request is not valid; the answer names each field with the reason.",
    "401": "No token or session, or one that is over.",
    "403": "The role, or the token's scopes, do not carry it.",
    "404": "It does not exist, or not for whoever asks.",
    "409": "The present state does not allow it.",
    "415": "The body has a content type that this call does not read.",
    "429": "Asked too often; `Retry-After` says for how long to wait.",
}
WRITES = ("post", "put", "patch", "delete")


def name_errors(result: Any, generator: Any, request: Any, public: Any) -> Any:
    """For drf-spectacular, after the schema was made."""
    content: dict[str, Any] = {"application/json": {"schema": {}}}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", *WRITES):
                continue
            codes = ["401", "403", "404", "429"]
            if operation.get("parameters") or "requestBody" in operation or "{" in path:
                codes.append("400")
            if method in WRITES:
                codes += ["400", "409", "415"]
            for code in codes:
                operation["responses"].setdefault(code, {"description": SAID[code], "content": content})
    return result
