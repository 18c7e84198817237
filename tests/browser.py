"""A Chromium without a window, driven over a pipe by the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

PATIENCE = 60
"""Seconds to wait for what must come."""


class Page:
    """A page in a browser of its own: what a person does to it, and what it then holds.

    Attributes:
      complaints: whatever the page has written to its console, and errors that nothing caught.
    """

    def __init__(self, folder: Path):
        command = [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={folder}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        redirect = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'  # the two that Chromium uses
        self._process = subprocess.Popen(
            ["bash", "-c", redirect, "bash", *map(str, command)],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._left, self._number, self._session = b"", 0, None
        self.complaints: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(info["targetId"] for info in targets if info["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """Ends the browser."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(PATIENCE)
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Asks the browser for something, and waits for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self._note(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has ended"
            self._left += part
        text, _, self._left = self._left.partition(b"\0")
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        name, params = event.get("method"), event.get("params", {})
        if name == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
        elif name == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(params["args"])[:500])
        elif name == "Log.entryAdded":
            self.complaints.append(json.dumps(params["entry"])[:500])

    def open(self, url: str) -> None:
        """Goes to an address, and waits until the page has what it loads."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives, a promise awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Waits until an expression is true, and gives its value."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.value(expression)):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.05)
        return value

    def show_as(self, width: int, height: int, scheme: str = "light", touch: bool = False) -> None:
        """Sets the size of the window, the colour scheme, and whether it is touched."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=touch,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def screenshot(self, path: Path) -> None:
        """Saves a picture of the whole page."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def places(self, selector: str, points: list[tuple[float, float]]) -> list[dict[str, float]]:
        """Where points, as shares of an element's width and height, are in the window."""
        box = self.value(
            f"(() => {{ const element = document.querySelector('{selector}');"
            " element.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const {left, top, width, height} = element.getBoundingClientRect();"
            " return {left, top, width, height}; })()"
        )
        return [
            {"x": box["left"] + x * box["width"], "y": box["top"] + y * box["height"]}
            for x, y in points
        ]

    def drag(self, selector: str, points: list[tuple[float, float]]) -> None:
        """Presses the mouse at the first point and moves it over the others."""
        first, *_ = places = self.places(selector, points)
        mouse = self._input("Input.dispatchMouseEvent", button="left", buttons=1, clickCount=1)
        mouse(type="mousePressed", **first)
        for place in places:
            mouse(type="mouseMoved", **place)
        mouse(type="mouseReleased", **places[-1])

    def swipe(self, selector: str, points: list[tuple[float, float]]) -> None:
        """Puts a finger on the first point and moves it over the others."""
        places = self.places(selector, points)
        finger = self._input("Input.dispatchTouchEvent")
        finger(type="touchStart", touchPoints=[places[0]])
        for place in places:
            finger(type="touchMove", touchPoints=[place])
        finger(type="touchEnd", touchPoints=[])

    def click(self, selector: str) -> None:
        """Clicks into the middle of an element."""
        self.drag(selector, [(0.5, 0.5)])

    def press(self, key: str, times: int = 1, text: str = "") -> None:
        """Presses a key by its name, such as "ArrowLeft", and lets it go, some times."""
        code = {" ": "Space"}.get(key, key)
        windows = {"Tab": 9, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                   "ArrowDown": 40, "Delete": 46, "Home": 36, "End": 35}[key]  # fmt: skip
        send = self._input(
            "Input.dispatchKeyEvent", key=key, code=code, windowsVirtualKeyCode=windows
        )
        for _ in range(times):
            send(type="keyDown", text=text)
            send(type="keyUp")

    def _input(self, method: str, **fixed: Any) -> Callable[..., Any]:
        return lambda **params: self.call(method, **fixed, **params)
