"""Lint the OpenAPI document and generate clients of it: `python -m tests.clients.run`.

Redocly CLI finds nothing to mend; openapi-typescript makes types that `tsc` compiles together
with `story.ts`; openapi-python-client makes a package that `story.py` works with against a served
API. Versions are locked beside this file; everything is installed into a temporary folder, from
whatever registries npm and pip are configured for.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from api.logs import configure_logs
from tests.api.serving import Api, served
from tests.schemathesis_run import fresh_database

HERE = Path(__file__).parent
LEAST_NODE = (20, 19)
TYPES = ("--default-non-nullable", "false")  # what has a default need not be sent


class Failed(Exception):
    """Something does not hold, or cannot be tried here."""


def main() -> int:
    """Try everything; one line for each thing that holds, and why for the first that does not."""
    configure_logs("console", quiet=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            require_node()
            with fresh_database(folder / "database") as database, served(database) as api:
                document = folder / "openapi.json"
                document.write_bytes(api.http.get("/openapi.json").content)
                print(f"types: {types(folder, document)}", flush=True)
                print(f"python: {package(folder, document, api)}", flush=True)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


def require_node() -> None:
    """Refuse to go on without node and npm: nothing is skipped silently."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Failed(f"{program} is missing: the generated clients need Node.js 20.19 or later")
    version = run(Path.cwd(), "node", "--version").strip().removeprefix("v")
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_NODE:
        raise Failed(f"Node.js {version} is too old: the generated clients need 20.19 or later")


def types(folder: Path, document: Path) -> str:
    """Lint the document; generate types and compile them with the story."""
    for name in ("package.json", "package-lock.json", "redocly.yaml", "story.ts"):
        shutil.copy(HERE / name, folder)
    run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    programs = folder / "node_modules" / ".bin"
    run(folder, str(programs / "redocly"), "lint", document.name, "--config", "redocly.yaml")
    run(folder, str(programs / "openapi-typescript"), document.name, *TYPES, "-o", "client.d.ts")
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "es2022")
    run(folder, str(programs / "tsc"), *options, "--lib", "es2022,dom", "story.ts")
    lines = len((folder / "client.d.ts").read_text(encoding="utf-8").splitlines())
    return f"linted, {lines:,} lines compiled"


def package(folder: Path, document: Path, api: Api) -> str:
    """Generate the Python package, without a warning, and let the story work with it."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    pip = (str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    run(folder, *pip, "--require-hashes", "-r", str(HERE / "requirements.lock"))
    generate = ("generate", "--fail-on-warning", "--meta", "none", "--output-path", "client")
    config = ("--path", document.name, "--config", str(HERE / "generator.yaml"))
    run(folder, str(programs / "openapi-python-client"), *generate, *config)
    shutil.copy(HERE / "story.py", folder)
    python = str(programs / "python")
    return run(folder, python, "story.py", api.url, api.keys["supervisor"]).strip()


def run(folder: Path, *words: str) -> str:
    """Run a program in a folder; what it says, if it goes well."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    path = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **quiet, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        said = f"{' '.join(words)}: status {done.returncode}\n{done.stdout[-3000:]}"
        raise Failed(said.replace(str(folder), "."))
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
