"""`jaxnn play` as a user has it: a process that prints an address, serves it, and ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from jaxnn import cli


def play(*arguments: str, **environment: str) -> subprocess.Popen:
    """Starts `jaxnn play`."""
    return subprocess.Popen(
        [sys.executable, "-m", "jaxnn", "play", *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_it_opens_the_browser_and_ends_cleanly_in_mid_training(tmp_path, number):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/url")
    browser.chmod(0o755)
    process = play(BROWSER=str(browser))
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:")
    assert line.endswith("/ (Ctrl-C ends it)\n")
    url = line.split()[0]
    address = ("127.0.0.1", int(url.split(":")[2].strip("/")))
    with (
        socket.create_connection(address),  # on which a browser says nothing yet
        urllib.request.urlopen(f"{url}events", timeout=60) as stream,
    ):
        while b'"status": "training"' not in stream.readline():
            pass
        deadline = time.monotonic() + 60
        while not (tmp_path / "url").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (tmp_path / "url").read_text() == f"{url}\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = play("--no-browser", "--port", str(port))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == (
        f"jaxnn play: port {port} of 127.0.0.1 is in use: expected a free one in --port, "
        "or no --port for any that is free\n"
    )


@pytest.mark.parametrize("port", ["80", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["play", f"--port={port}"])
    message = f"jaxnn play: --port must be a number in [1024, 65535], got {port}\n"
    assert capsys.readouterr().err == message
