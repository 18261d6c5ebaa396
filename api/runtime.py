"""How the programs come to a database: the embedded server or one's own, as which login."""

from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.config import Config
from ledger import database
from ledger.database import DatabaseError
from ledger.embedded import Embedded
from ledger.migrate import APP_ROLE, BI_ROLE, ROLES, check, migrate, missing_migrations
from projections.halting import ViewHalted, stop_all_ahead


class Login(NamedTuple):
    """A way into the database: the address, and the role to act as where it is another."""

    uri: str
    role: str | None


def embedded(config: Config) -> Embedded:
    """The embedded server of this data folder."""
    return Embedded(config.data / "postgresql")


def owner_uri(config: Config) -> str:
    """The owner's address; starts the embedded server where there is no other."""
    if config.database_url is not None:
        return config.database_url
    server = embedded(config)
    server.start()
    return server.uri()


def app_login(config: Config) -> Login:
    """The login that serves and works; never one that may change events (see `checked_login`)."""
    if config.database_url_app is not None:
        return Login(config.database_url_app, None)
    if config.database_url is not None:
        return Login(config.database_url, APP_ROLE)
    server = embedded(config)
    server.start()
    return Login(server.uri(APP_ROLE), None)


def bi_login(config: Config) -> Login:
    """The login that reads the reports; an owner acts as the role that reads them."""
    if config.database_url is not None:
        return Login(config.database_url, BI_ROLE)
    if config.database_url_app is not None:
        raise DatabaseError("reports are not read by the application's login: set DATABASE_URL")
    server = embedded(config)
    server.start()
    return Login(server.uri(BI_ROLE), None)


def checked_login(config: Config) -> Login:
    """The login that serves and works, after making sure that the database fits this release, and
    that no view is ahead of the ledger unnoticed."""
    is_embedded = config.database_url is None and config.database_url_app is None
    if is_embedded and not is_up_to_date(config):  # its roles have no passwords yet: a riddle
        raise DatabaseError("the database is not set up: run `closedloop migrate`")
    login = app_login(config)
    try:
        with database.connect(login.uri, role=login.role) as connection:
            check(connection, config.secret())
            # A command may be given before any worker looks.
            stopped = stop_all_ahead(connection)
    except psycopg.Error as error:
        raise DatabaseError(first_line(error)) from error
    if stopped:
        _warn(stopped)
    return login


def _warn(stopped: list[ViewHalted]) -> None:
    import structlog  # not above: it takes a short command longer to import than all it does

    log = structlog.get_logger("closedloop.views")
    for problem in stopped:
        log.critical("view ahead of the ledger", detail=str(problem))


def migrate_database(config: Config, **options: object) -> list[str]:
    """Bring the database up to date; the embedded server's roles get their passwords."""
    uri = owner_uri(config)
    passwords = None
    if config.database_url is None:
        server = embedded(config)
        passwords = {role: conninfo_to_dict(server.uri(role))["password"] for role in ROLES}
    return migrate(uri, passwords=passwords, secret=config.secret(), **options)  # type: ignore[arg-type]


def is_up_to_date(config: Config) -> bool:
    """Whether every migration is applied."""
    with psycopg.connect(owner_uri(config), autocommit=True) as connection:
        return not missing_migrations(connection)


def first_line(error: BaseException) -> str:
    """The first line of an error: what a person needs."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
