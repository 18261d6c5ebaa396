"""The configuration: one frozen Struct from the environment, shown without its secrets."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from projections import MAY_PARK

_SECRET_BYTES = 32


class ConfigError(Exception):
    """A setting is wrong; one line says which."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation can set."""

    database_url: str | None  # the owner's login; none: the embedded server
    database_url_app: str | None
    data: Path
    host: str
    port: int
    secret_file: Path
    log: str
    sample: Path
    park: frozenset[str]  # the views that park a stream rather than halt

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Read the environment; a value that cannot be is a `ConfigError`."""
        data = Path(environment.get("CLOSEDLOOP_DATA") or "./data").resolve()
        port = environment.get("CLOSEDLOOP_PORT") or "8000"
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ConfigError(f"CLOSEDLOOP_PORT: 1 to 65535, not {port!r}")
        log = environment.get("CLOSEDLOOP_LOG") or "console"
        if log not in ("console", "json"):
            raise ConfigError(f"CLOSEDLOOP_LOG: console or json, not {log!r}")
        park = _views(environment.get("CLOSEDLOOP_PARK") or "")
        for name in ("DATABASE_URL", "DATABASE_URL_APP"):
            try:
                conninfo_to_dict(environment.get(name, ""))
            except psycopg.ProgrammingError:  # the message quotes the address, password and all
                raise ConfigError(f"{name} is no address of a PostgreSQL database") from None
        return cls(
            database_url=environment.get("DATABASE_URL") or None,
            database_url_app=environment.get("DATABASE_URL_APP") or None,
            data=data,
            host=environment.get("CLOSEDLOOP_HOST") or "127.0.0.1",
            port=int(port),
            secret_file=Path(environment.get("CLOSEDLOOP_SECRET_FILE") or data / "secret"),
            log=log,
            sample=Path(environment.get("CLOSEDLOOP_SAMPLE") or "../shared/data/cfpb_sample.csv"),
            park=park,
        )

    def shown(self) -> dict[str, str]:
        """The settings by the names of their variables, without secrets."""
        return {
            "DATABASE_URL": _without_password(self.database_url) or "(the embedded server)",
            "DATABASE_URL_APP": _without_password(self.database_url_app)
            or "(the owner's login with SET ROLE, or the embedded server's own)",
            "CLOSEDLOOP_DATA": str(self.data),
            "CLOSEDLOOP_HOST": self.host,
            "CLOSEDLOOP_PORT": str(self.port),
            "CLOSEDLOOP_SECRET_FILE": str(self.secret_file),
            "CLOSEDLOOP_LOG": self.log,
            "CLOSEDLOOP_SAMPLE": str(self.sample),
            "CLOSEDLOOP_PARK": ",".join(sorted(self.park)) or "(none: every view halts)",
        }

    def secret(self) -> bytes:
        """The installation's secret, made on first use: outside references are looked up by it."""
        try:
            return self._read_secret()
        except FileNotFoundError:
            self.secret_file.parent.mkdir(parents=True, exist_ok=True)
        secret = secrets.token_bytes(_SECRET_BYTES)
        mine = self.secret_file.with_name(f"{self.secret_file.name}.{os.getpid()}")
        handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secret.hex())
        try:
            os.link(mine, self.secret_file)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        return self._read_secret()

    def known_secret(self) -> bytes | None:
        """The installation's secret if there is one; none is made."""
        try:
            return self._read_secret()
        except FileNotFoundError:
            return None

    def _read_secret(self) -> bytes:
        try:
            secret = bytes.fromhex(self.secret_file.read_text().strip())
        except ValueError:
            secret = b""
        if len(secret) != _SECRET_BYTES:
            raise ConfigError(
                f"CLOSEDLOOP_SECRET_FILE: {self.secret_file} does not hold"
                f" {_SECRET_BYTES} bytes in hexadecimal"
            )
        return secret


def _views(told: str) -> frozenset[str]:
    """The views named by a setting, all of those that may park among them."""
    names = {name.strip() for name in told.split(",") if name.strip()}
    if names == {"all"}:
        return frozenset(MAY_PARK)
    if wrong := sorted(names - set(MAY_PARK)):
        raise ConfigError(
            f"CLOSEDLOOP_PARK: all, or some of {','.join(MAY_PARK)}; not {wrong[0]!r}"
        )
    return frozenset(names)


def _without_password(uri: str | None) -> str | None:
    if uri is None:
        return None
    parts = conninfo_to_dict(uri)
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"postgresql://{parts.get('user', '')}@{host}:{port}/{parts.get('dbname', '')}"
