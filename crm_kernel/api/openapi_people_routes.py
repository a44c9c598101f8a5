"""What `/openapi.json` says of the routes of sessions and tokens (floor 9)."""

from __future__ import annotations

from crm_kernel.api.openapi_routes import Route

_CHANGE = (400, 401, 403, 413, 422, 503, 507)

PEOPLE_ROUTES = (
    Route(
        "post",
        "/api/session",
        "log_in",
        "Log in; with `reset`, set a new password",
        "Session",
        faults=(*_CHANGE, 429),
        body="LogIn",
        headers=("Set-Cookie",),
        open=True,
        tag="session",
    ),
    Route("get", "/api/session", "who_am_i", "Who am I", "Session", faults=(400, 401), tag="session"),
    Route(
        "delete",
        "/api/session",
        "log_out",
        "Log out",
        None,
        status=204,
        faults=(400, 401, 403, 404, 503, 507),
        headers=("Set-Cookie",),
        tag="session",
    ),
    Route(
        "put",
        "/api/session/password",
        "change_password",
        "Change the password; other sessions end",
        "Session",
        faults=(*_CHANGE, 429),
        body="ChangePassword",
        headers=("Set-Cookie",),
        tag="session",
    ),
    Route("get", "/api/sessions", "list_sessions", "Own sessions", "Sessions", faults=(400, 401, 403), tag="session"),
    Route(
        "delete",
        "/api/sessions/{id}",
        "end_session",
        "End one of the own sessions",
        None,
        status=204,
        faults=(400, 401, 403, 404, 503, 507),
        tag="session",
    ),
    Route("get", "/api/tokens", "list_tokens", "Own tokens", "Tokens", faults=(400, 401, 403), tag="tokens"),
    Route(
        "post",
        "/api/tokens",
        "create_token",
        "Make a token; its text is shown this once",
        "ShownToken",
        status=201,
        faults=_CHANGE,
        body="NewToken",
        tag="tokens",
    ),
    Route(
        "delete",
        "/api/tokens/{id}",
        "revoke_token",
        "End one of the own tokens",
        None,
        status=204,
        faults=(400, 401, 403, 404, 503, 507),
        tag="tokens",
    ),
)
