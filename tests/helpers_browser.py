"""A headless Chromium that opens pages and says what happens in them.

It is told what to do by Chrome's DevTools protocol through a pipe: JSON, each message ended by a
zero byte (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
NEEDED = "SIMSTUDY_BROWSER"  # in the environment where a browser has to be there
_OPTIONS = ("--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking")  # fmt: skip
_READY = "document.documentElement?.dataset.ready !== undefined"
_SECONDS = 60.0


def found() -> str | None:
    """A browser of this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser, with at most one page in it."""

    def __init__(self, process: int, to: int, answers: Any) -> None:
        self._process, self._to, self._answers = process, to, answers
        self._number, self._session, self._target = 0, "", ""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What a command of the protocol returns; events meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        message = b"".join(iter(lambda: self._answers.read(1), b"\0"))
        return json.loads(message)

    def open(self, page: Path, *, view: str = "", width: int = 1280, scheme: str = "light") -> None:
        """Open a file, and wait until its figure and its table are drawn."""
        if self._target:
            self._session, session = "", self._session
            self.call("Target.closeTarget", targetId=self._target)
            assert session
        self.events = []
        self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url=page.as_uri() + (f"#{view}" if view else ""))
        self.wait(_READY)

    def wait(self, condition: str) -> None:
        """Wait until something is true in the page."""
        end = time.monotonic() + _SECONDS
        while not self.ask(condition):
            assert time.monotonic() < end, (condition, self.complaints())
            time.sleep(0.02)

    def ask(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.ask(f"document.querySelector({json.dumps(selector)}).textContent")

    def choose(self, label: str, value: str) -> None:
        """Choose from the list of this label."""
        self.ask(
            f"""{{const label = [...document.querySelectorAll(".choice")]
                .find((one) => one.firstChild.textContent === {json.dumps(label)});
            const select = label.querySelector("select");
            select.value = {json.dumps(value)};
            select.dispatchEvent(new Event("change"));}}"""
        )

    def write(self, selector: str, text: str) -> None:
        """Write into a field, as a person would who then leaves it."""
        self.ask(
            f"""{{const field = document.querySelector({json.dumps(selector)});
            field.value = {json.dumps(text)};
            field.dispatchEvent(new Event("change"));}}"""
        )

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            for kind in ("rawKeyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def complaints(self) -> list[str]:
        """Errors, lines on the console, dialogs, and requests but for the page itself."""
        said = []
        for event in self.events:
            match event.get("method"):
                case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded":
                    said.append(json.dumps(event["params"])[:2000])
                case "Page.javascriptDialogOpening":
                    said.append("a dialog")
                case "Network.requestWillBeSent":
                    address = event["params"]["request"]["url"]
                    if event["params"]["type"] != "Document":
                        said.append(f"a request of {address[:200]}")
        return said

    def end(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._answers.close()
        os.close(self._to)


@contextmanager
def browsing(path: str) -> Iterator[Browser]:
    """Start a browser, and end it."""
    read_here, write_there = os.pipe()
    read_there, write_here = os.pipe()
    # the browser reads from 3 and writes to 4, which are not to be overwritten before they are read
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read_there, write_there)]
    actions = [
        *((os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(theirs, (3, 4), strict=True)),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, *_OPTIONS, f"--user-data-dir={profile}"]
        process = os.posix_spawn(path, command, os.environ, file_actions=actions)
        for end in (read_there, write_there, *theirs):
            os.close(end)
        browser = Browser(process, write_here, os.fdopen(read_here, "rb"))
        try:
            yield browser
        finally:
            browser.end()
