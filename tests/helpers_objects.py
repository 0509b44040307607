"""An object store on loopback that can be told to refuse, to be slow and to cut what it takes.

Moto's server in a process of its own. Started as a program, it prints its port and serves until
its standard input ends, so it never outlives the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FAULTS = "/_faults"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
               "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip


class Store:
    """The server, as tests see it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.make_bucket("bucket")

    def make_bucket(self, name: str) -> None:
        self._ask(f"/{name}", "PUT")

    @property
    def options(self) -> str:
        return f"?region=us-east-1&endpoint_override=http%3A//127.0.0.1:{self.port}"

    def uri(self, path: str = "results") -> str:
        return f"s3://bucket/{path}{self.options}"

    def _ask(self, path: str, method: str = "GET", content: bytes | None = None) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}"
        asked = urllib.request.Request(url, method=method, data=content)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.read()

    @contextmanager
    def fault(self, **fault: Any) -> Iterator[None]:
        """Of requests of a `method` whose path holds `part`: let `after` pass; then for `count`
        of them answer `status`, wait `seconds`, or keep the first `cut` bytes."""
        self._ask(FAULTS, "POST", json.dumps(fault).encode())
        try:
            yield
        finally:
            self._ask(FAULTS, "POST", b"{}")

    def requests(self) -> list[str]:
        """Requests since this was last asked, such as ``PUT /bucket/results/...``."""
        return json.loads(self._ask(FAULTS))


@contextmanager
def serving() -> Iterator[Store]:
    command = [sys.executable, __file__]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    try:
        yield Store(int(server.stdout.readline()))
    finally:
        server.stdin.close()
        server.wait(30)


class Faulty:
    """A WSGI application before another."""

    def __init__(self, application: Any) -> None:
        self._application, self._lock = application, threading.Lock()
        self._fault: dict[str, Any] = {}
        self._requests: list[str] = []

    def __call__(self, environment: dict[str, Any], start: Any) -> Any:
        method, path = environment["REQUEST_METHOD"], environment["PATH_INFO"]
        if path == FAULTS:
            return self._told(method, environment, start)
        query = environment.get("QUERY_STRING", "")
        with self._lock:
            self._requests.append(f"{method} {path}" + (f"?{query}" if query else ""))
            fault = self._due(method, path)
        time.sleep(fault.get("seconds", 0))
        if "status" in fault:
            self._read(environment)
            word = {403: "AccessDenied", 503: "SlowDown"}[fault["status"]]
            start(f"{fault['status']} {word}", [("Content-Type", "application/xml")])
            return [f"<Error><Code>{word}</Code><Message>{word}</Message></Error>".encode()]
        return self._application(environment, start)

    def _told(self, method: str, environment: dict[str, Any], start: Any) -> Any:
        with self._lock:
            if method == "POST":
                self._fault = json.loads(self._read(environment))
            told, self._requests = self._requests, [] if method == "GET" else self._requests
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]

    def _due(self, method: str, path: str) -> dict[str, Any]:
        fault = self._fault
        if method != fault.get("method", method) or fault.get("part", "") not in path or not fault:
            return {}
        if fault.get("after", 0) > 0:
            fault["after"] -= 1
            return {}
        fault["count"] = fault.get("count", 1 << 30) - 1
        return fault if fault["count"] >= 0 else {}

    @staticmethod
    def _read(environment: dict[str, Any]) -> bytes:
        return environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))


def main() -> None:
    os.environ |= ENVIRONMENT
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.server_port, flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a line a request
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))  # tests' own modules are none of moto's
    main()
