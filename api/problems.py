"""Problem details (RFC 9457): every way in which a request can fail, with a page for each."""
# long: the table of problems, and the one form in which all of them are told

import re
from functools import cache
from typing import Any, Literal

import msgspec
from litestar import Request

from api.negotiation import preferred_language
from api.reply import Reply
from api.strict import FieldError
from domain.kernel import Rejected

MEDIA_TYPE = "application/problem+json"


class ProblemType(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a request can fail."""

    code: str
    status: int
    title: str
    title_zh: str
    detail: str
    detail_zh: str
    meaning: str
    retryable: bool = False


def kebab(name: str) -> str:
    """`AssessComplaint` as `assess-complaint`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def of_rule(rule: type[Rejected]) -> ProblemType:
    """The problem that a rule of the business leads to."""
    return ProblemType(
        code=kebab(rule.__name__),
        status=rule.status,
        title=rule.title,
        title_zh=rule.title_zh,
        detail=rule.detail,
        detail_zh=rule.detail_zh,
        meaning=(rule.__doc__ or "").strip(),
    )


def _type(code: str, status: int, titles: str, detail: str, detail_zh: str) -> ProblemType:
    title, title_zh = titles.split(" | ")
    return ProblemType(
        code=code,
        status=status,
        title=title,
        title_zh=title_zh,
        detail=detail,
        detail_zh=detail_zh,
        meaning=detail,
        retryable=status in (429, 503),
    )


NOT_HTTP = _type(
    "not-http",
    400,
    "Not HTTP | 不是 HTTP",
    "This is not a request in HTTP.",
    "这不是有效的 HTTP 请求。",
)
NOT_JSON = _type(
    "not-json",
    400,
    "Not JSON | 不是 JSON",
    "The body is not JSON in UTF-8.",
    "请求体不是 UTF-8 JSON。",
)
BAD_HEADER = _type(
    "bad-header",
    400,
    "Missing or ill-formed header | 请求头缺失或格式错误",
    "The header {name} is missing or ill-formed: {expected}.",
    "请求头 {name} 缺失或格式错误：{expected}。",
)
BAD_QUERY = _type(
    "bad-query",
    400,
    "Ill-formed query | 查询参数错误",
    "The query parameter {name} is ill-formed: expected {expected}.",
    "查询参数 {name} 格式错误：应为 {expected}。",
)
UNKNOWN_QUERY = _type(
    "unknown-query",
    400,
    "Unknown query parameter | 未知的查询参数",
    "A query parameter is not known here; those that are: {known}.",
    "存在未知的查询参数；此处可用：{known}。",
)
UNAUTHENTICATED = _type(
    "unauthenticated",
    401,
    "Who are you? | 未通过身份验证",
    "Give a valid key: Authorization: Bearer cl_<id>_<secret>.",
    "请提供有效密钥：Authorization: Bearer cl_<id>_<secret>。",
)
FORBIDDEN = _type(
    "forbidden",
    403,
    "Not allowed for this role | 该角色无权执行此操作",
    "The role {role} may not use this.",
    "角色 {role} 无权使用。",
)
NOT_FOUND = _type(
    "not-found", 404, "Not found | 未找到", "There is nothing here.", "此处没有内容。"
)
UNKNOWN_METRIC = _type(
    "unknown-metric",
    404,
    "Unknown metric | 指标不存在",
    "There is no such metric; those that there are: {known}.",
    "该指标不存在；现有指标：{known}。",
)
UNKNOWN_VIEW = _type(
    "unknown-view",
    404,
    "Unknown view | 视图不存在",
    "There is no such view; those that there are: {known}.",
    "该视图不存在；现有视图：{known}。",
)
METHOD_NOT_ALLOWED = _type(
    "method-not-allowed",
    405,
    "Method not allowed | 不支持该方法",
    "This path does not know this method.",
    "该路径不支持此方法。",
)
VERSION_CONFLICT = _type(
    "version-conflict",
    412,
    "Changed since | 内容已被更改",
    "If-Match named version {expected}; it is at version {actual} now.",
    "If-Match 指定版本 {expected}，当前版本为 {actual}。",
)
TOO_LARGE = _type(
    "too-large",
    413,
    "Too large | 请求体过大",
    "A command may be at most 1 MiB, a bulk request at most 16 MiB and 10,000 lines.",
    "单个命令最大 1 MiB；批量请求最大 16 MiB、10,000 行。",
)
UNSUPPORTED_MEDIA_TYPE = _type(
    "unsupported-media-type",
    415,
    "Unsupported media type | 不支持的媒体类型",
    "Send {media_type}.",
    "请发送 {media_type}。",
)
INVALID = _type(
    "invalid",
    422,
    "Not this command | 内容不符合该命令",
    "The body is JSON, but not this command: see errors.",
    "请求体是 JSON，但不符合该命令，详见 errors。",
)
KEY_REUSED = _type(
    "idempotency-key-reused",
    422,
    "Idempotency key reused | 幂等键被重复使用",
    "This Idempotency-Key was used before, for something else.",
    "该 Idempotency-Key 此前已用于其他请求。",
)
SKIPPED = _type(
    "skipped",
    424,
    "Not begun | 未执行",
    "An earlier line that this one follows was not carried out; send this one again after it.",
    "本行所依赖的前一行未能执行，因此本行未执行；请在其之后重新发送。",
)
HEAD_TOO_LARGE = _type(
    "head-too-large",
    431,
    "Head too large | 请求头过大",
    "Path and headers of a request may be at most 64 KiB.",
    "请求路径与请求头最大 64 KiB。",
)
RATE_LIMITED = _type(
    "rate-limited",
    429,
    "Too many requests | 请求过于频繁",
    "This key may make {rate} requests a minute; wait for as many seconds as Retry-After says.",
    "该密钥每分钟最多 {rate} 次请求；请按 Retry-After 的秒数等待后再试。",
)
UNAVAILABLE = _type(
    "unavailable",
    503,
    "Unavailable | 暂不可用",
    "The ledger cannot take this at present; send it again.",
    "系统暂时无法处理，请重试。",
)
VIEW_BEHIND = _type(
    "view-behind",
    503,
    "The view is behind | 视图尚未更新",
    "The view has not reached this place in the ledger yet; ask again.",
    "视图尚未追上该账本位置，请稍后重试。",
)
INTERNAL = _type(
    "internal",
    500,
    "Internal error | 内部错误",
    "Something went wrong on our side; the request_id leads to the log.",
    "系统内部错误，可凭 request_id 查询日志。",
)

GENERAL = (
    NOT_HTTP,
    NOT_JSON,
    BAD_HEADER,
    BAD_QUERY,
    UNKNOWN_QUERY,
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    UNKNOWN_METRIC,
    UNKNOWN_VIEW,
    METHOD_NOT_ALLOWED,
    VERSION_CONFLICT,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID,
    KEY_REUSED,
    SKIPPED,
    RATE_LIMITED,
    HEAD_TOO_LARGE,
    UNAVAILABLE,
    VIEW_BEHIND,
    INTERNAL,
)


@cache
def catalogue() -> dict[str, ProblemType]:
    """Every problem there is, by code: the general ones and one for each rule."""
    found = {problem.code: problem for problem in GENERAL}
    waiting = [Rejected]
    while waiting:
        for rule in waiting.pop().__subclasses__():
            waiting.append(rule)
            found.setdefault(kebab(rule.__name__), of_rule(rule))
    return dict(sorted(found.items()))


class ProblemError(Exception):
    """A request that fails in a known way."""

    def __init__(
        self,
        problem: ProblemType,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        """Take the facts that the detail names; none of them is personal."""
        super().__init__(problem.code)
        self.problem = problem
        self.errors = errors
        self.headers = headers or {}
        self.extra = extra or {}
        self.facts = facts


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem as it is answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    request_id: str
    complaint_id: str | None = None
    version: int | None = None
    stage: str | None = None
    command: str | None = None
    errors: list[FieldError] | None = None


def respond(request: Request[Any, Any, Any], error: ProblemError) -> Reply:
    """The answer to a request that failed, in the language the client prefers."""
    problem, language = error.problem, language_of(request)
    request.scope["problem"] = problem.code  # type: ignore[typeddict-unknown-key]
    body = told(request, error)
    headers = dict(error.headers)
    if problem.status in (429, 503):
        headers.setdefault("Retry-After", "1")
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="closedloop"'
    headers["Content-Language"] = "zh-CN" if language == "zh" else "en"
    headers["Vary"] = "Accept-Language"
    headers["Cache-Control"] = "no-store"
    return Reply(msgspec.json.encode(body), problem.status, headers, MEDIA_TYPE)


def told(request: Request[Any, Any, Any], error: ProblemError) -> Problem:
    """What went wrong with a request, or a line of it, in the language the client prefers."""
    problem = error.problem
    title, detail = (
        (problem.title_zh, problem.detail_zh)
        if language_of(request) == "zh"
        else (problem.title, problem.detail)
    )
    return Problem(
        type=f"/problems/{problem.code}",
        title=title,
        status=problem.status,
        detail=detail.format(**error.facts),
        code=problem.code,
        retryable=problem.retryable,
        request_id=str(request.scope.get("request_id", "")),
        errors=list(error.errors) or None,
        **error.extra,
    )


def of_rejection(rejected: Rejected, **extra: Any) -> ProblemError:
    """A rule's refusal as the answer to a request."""
    known = {
        key: str(value) for key, value in rejected.facts.items() if key in ("stage", "command")
    }
    return ProblemError(of_rule(type(rejected)), extra={**known, **extra}, **rejected.facts)


def language_of(request: Request[Any, Any, Any]) -> Literal["en", "zh"]:
    """The language in which a client is told what went wrong."""
    return preferred_language(request.headers.get("accept-language", ""))
