"""A real browser without a window, driven over WebDriver: Debian's chromium and chromium-driver."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import wave
from pathlib import Path
from typing import Any, Self

from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import OutputError

_START_S = 60
_ANSWER_S = 120
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


def is_installed() -> bool:
    """Whether both programs are there."""
    return all(shutil.which(program) for program in ("chromium", "chromedriver"))


class Browser:
    """Chromium whose microphone says `sound`, int16 [N] at 16 kHz, again and again.

    A context; raises OutputError if the browser cannot be started or does not do as it is told.
    """

    def __init__(self, sound: Sound, size: tuple[int, int] = (1100, 900)) -> None:
        self._sound = sound
        self._size = size

    def __enter__(self) -> Self:
        if not is_installed():
            raise OutputError("expected chromium and chromedriver to be installed, found neither")
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        port = _free_port()
        self._base = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait_for_driver()
            self._begin()
        except BaseException:
            self._stop_driver()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._ask("DELETE", "")
        except OutputError:
            if kind is None:
                raise
        finally:
            self._stop_driver()

    def open(self, address: str) -> None:
        """Loads a page in the current tab."""
        self._ask("POST", "/url", url=address)

    def click(self, selector: str) -> None:
        """Presses the element that a CSS selector finds."""
        found = self._ask("POST", "/element", using="css selector", value=selector)
        self._ask("POST", f"/element/{found[_ELEMENT]}/click")

    def run(self, script: str, *arguments: object) -> Any:
        """What the body of a function returns in the page; promises are waited for."""
        return self._ask("POST", "/execute/sync", script=script, args=list(arguments))

    def wait(self, condition: str, seconds: float) -> None:
        """Waits in the page until an expression is true; raises OutputError if it never is."""
        script = """
            const [condition, ms] = arguments;
            const test = new Function(`return (${condition});`);
            const end = performance.now() + ms;
            while (!test()) {
              if (performance.now() > end) return false;
              await new Promise((done) => setTimeout(done, 50));
            }
            return true;
        """
        body = f"return (async function () {{ {script} }}).apply(null, arguments);"
        if not self.run(body, condition, seconds * 1000):
            raise OutputError(f"expected {condition} within {seconds} s, found otherwise")

    def new_tab(self) -> str:
        """Opens a tab, makes it the current one, and gives its handle."""
        handle: str = self._ask("POST", "/window/new", type="tab")["handle"]
        self.use_tab(handle)
        return handle

    def tab(self) -> str:
        """The handle of the current tab."""
        handle: str = self._ask("GET", "/window")
        return handle

    def use_tab(self, handle: str) -> None:
        """Makes a tab the current one."""
        self._ask("POST", "/window", handle=handle)

    def close_tab(self) -> None:
        """Closes the current tab."""
        self._ask("DELETE", "/window")

    def complaints(self) -> list[str]:
        """The console's warnings and errors since they were last asked for."""
        entries = self._ask("POST", "/se/log", type="browser")
        return [each["message"] for each in entries if each["level"] in ("WARNING", "SEVERE")]

    def _begin(self) -> None:
        folder = Path(self._folder.name)
        _write_wave(folder / "microphone.wav", self._sound)
        flags = [
            *_FLAGS,
            f"--use-file-for-fake-audio-capture={folder / 'microphone.wav'}",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={self._size[0]},{self._size[1]}",
        ]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        wanted = {
            "goog:chromeOptions": {"args": flags, "binary": shutil.which("chromium")},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        url = f"{self._base}/session"
        begun = _request("POST", url, {"capabilities": {"alwaysMatch": wanted}})
        self._base += f"/session/{begun['sessionId']}"

    def _wait_for_driver(self) -> None:
        end = time.monotonic() + _START_S
        while True:
            try:
                _request("GET", f"{self._base}/status", None)
                return
            except OutputError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _stop_driver(self) -> None:
        self._driver.terminate()
        self._driver.wait()
        self._folder.cleanup()

    def _ask(self, method: str, path: str, **body: object) -> Any:
        return _request(method, self._base + path, body if method == "POST" else None)


def _request(method: str, url: str, body: dict[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise OutputError(f"the browser refused: {error.read().decode()[:500]}") from error
    except OSError as error:
        raise OutputError(f"the browser does not answer: {error}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_wave(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(sound.tobytes())
