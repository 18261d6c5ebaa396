"""Problems in two languages, and what paths, methods and hosts there are."""

import re

import pytest

from api.app import all_routes
from api.problems import Problem, ProblemType, catalogue
from tests.api.serving import Api


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("ZH-hans-cn", "zh-CN"),
        ("fr, zh;q=0.9, en;q=0.8", "zh-CN"),
        ("en;q=0.5, zh;q=0.9", "zh-CN"),
        ("en, zh", "en"),
        ("zh;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (";;;q=,,zh;q=nonsense", "en"),
        ("zh" * 5000, "en"),
    ],
)
def test_the_language_changes_title_and_detail_only(accept: str, language: str, api: Api) -> None:
    path = f"/v1/complaints/{api.register()}/accept-complaint"
    english = api.post(path, {"unit_id": "u"}).json()
    answer = api.post(path, {"unit_id": "u"}, Accept_Language=accept)
    told = answer.json()
    assert answer.headers["Content-Language"] == language
    changed = {name for name in {*english, *told} if told.get(name) != english.get(name)}
    assert changed - {"request_id"} == ({"title", "detail"} if language == "zh-CN" else set())
    problem = catalogue()["not-allowed-at-stage"]
    assert told["title"] == (problem.title_zh if language == "zh-CN" else problem.title)


def test_the_rules_that_forbid_commands_are_told_in_the_language_of_the_client(api: Api) -> None:
    path = f"/v1/complaints/{api.register()}"
    english, chinese = (
        api.http.get(path, headers=api.headers("agent", **{"Accept-Language": tag})).json()
        for tag in ("en", "zh-CN;q=0.9, en;q=0.1")
    )
    assert {**english, "allowed_commands": {}} == {**chinese, "allowed_commands": {}}
    for name, told in english["allowed_commands"].items():
        other = chinese["allowed_commands"][name]
        assert (other["is_allowed"], other["rule"]) == (told["is_allowed"], told["rule"])
        if not told["is_allowed"]:
            assert told["detail"].isascii()
            assert not other["detail"].isascii()


@pytest.mark.parametrize("problem", catalogue().values(), ids=lambda problem: problem.code)
def test_every_problem_is_told_in_english_and_in_chinese(problem: ProblemType) -> None:
    for english, chinese in (
        (problem.title, problem.title_zh),
        (problem.detail, problem.detail_zh),
    ):
        assert english.isascii()
        assert not chinese.isascii()
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese))


PATHS = sorted({route.path for route in all_routes()})


@pytest.mark.parametrize("path", PATHS)
def test_a_path_says_which_methods_it_knows(path: str, api: Api) -> None:
    known = {route.method for route in all_routes() if route.path == path} | {"OPTIONS"}
    known |= {"HEAD"} if "GET" in known else set()
    complaint_id = api.register()
    place = api.get(f"/v1/complaints/{complaint_id}").headers["Ledger-Position"]
    api.get("/v1/complaints", at_least=place)  # the view has it: nothing changes in between
    url = path.replace("{address}", complaint_id).replace("{asset}", "start.js")
    url = url.replace("{code}", "invalid")
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        if method in known and method != "OPTIONS":
            continue
        answer = api.http.request(method, url, headers=api.headers())
        assert set(answer.headers["Allow"].split(", ")) == known
        assert answer.status_code == (204 if method == "OPTIONS" else 405)
        if method not in ("HEAD", "OPTIONS"):
            told = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert told["code"] == "method-not-allowed"
            assert set(told) <= set(Problem.__struct_fields__)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/metrics"])
def test_what_can_be_read_can_be_asked_for_its_head(path: str, api: Api) -> None:
    if not any(route.path == path and route.method == "GET" for route in all_routes()):
        return
    complaint_id = api.register()
    place = api.get(f"/v1/complaints/{complaint_id}").headers["Ledger-Position"]
    api.get("/v1/complaints", at_least=place)  # the view has it: nothing changes in between
    url = path.replace("{address}", complaint_id).replace("{asset}", "start.js")
    url = url.replace("{code}", "invalid").replace("{view}", "dim_codes")
    url = url.replace("{metric}", "return_rate")
    whole, head = (
        api.http.request(method, url, headers=api.headers()) for method in ("GET", "HEAD")
    )
    assert (head.status_code, head.content) == (whole.status_code, b"")
    for name in {*whole.headers} - {"date", "x-request-id"}:
        assert head.headers[name] == whole.headers[name], name


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v2/complaints", "/v1/complaint", "/V1/complaints", "/docs/../secret", "/docs/x",
     "/docs/..%2Fsecret", "/docs/%2E%2E", "/docs/start.js/x", "/problems/nothing", "/problems/%00",
     "/problems/%FF", "/health", "/v1/complaints/x/nonsense", "/v1/complaints/x/history/1",
     "/v1/complaints/x/AssessComplaint", "/%00", "/%FF", "/" + "x" * 5000, "/admin.php"],
)  # fmt: skip
def test_there_is_nothing_anywhere_else(path: str, api: Api) -> None:
    for method in ("GET", "POST"):
        answer = api.http.request(method, path, headers=api.headers())
        if answer.status_code == 405:
            continue
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert set(answer.json()) <= set(Problem.__struct_fields__)


def test_every_problem_has_a_page(api: Api) -> None:
    listed = api.get("/v1/problems").json()["problems"]
    assert [problem["code"] for problem in listed] == list(catalogue())
    for problem in listed:
        page = api.http.get(f"/problems/{problem['code']}")
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert problem["title_zh"] in page.text


def test_a_host_that_is_none_is_told_so(api: Api) -> None:
    answer = api.http.get("/health/live", headers={"Host": "no host/at all"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-header")


def test_metrics_are_for_this_machine_and_for_admins(api: Api) -> None:
    from_afar = {"X-Forwarded-For": "203.0.113.9"}
    assert "closedloop_http_requests_total" in api.http.get("/metrics").text
    for role, status in ((None, 401), ("supervisor", 403), ("auditor", 403), ("admin", 200)):
        headers = from_afar if role is None else {**from_afar, **api.headers(role)}
        assert api.http.get("/metrics", headers=headers).status_code == status


def test_what_a_key_opens_is_kept_by_no_cache(api: Api) -> None:
    for path in ("/v1/complaints", f"/v1/complaints/{api.register()}", "/v1/complaints/nothing"):
        assert api.get(path).headers["Cache-Control"] == "no-store"
        assert api.get(path).headers["X-Content-Type-Options"] == "nosniff"
