"""What the playground's server answers, and what it refuses, over real connections."""

import http.client
import io
import json
import socket
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jaxnn import data, layers
from jaxnn.play import server as serving
from jaxnn.play.server import LARGEST_BODY, Server
from jaxnn.play.session import Session
from jaxnn.play.settings import Settings
from jaxnn.play.training import moments
from jaxnn.typing import Dataset

QUICK = {"hidden": [16], "batch_size": 1024, "epochs": 1}


@pytest.fixture(scope="module")
def server():
    """A server whose network is trained."""
    with Server(Session()) as server, closing(server.session) as session:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        session.start(Settings(hidden=(16,), batch_size=1024, epochs=1))
        wait_for(server, "finished")
        yield server
        server.shutdown()


def wait_for(server, *statuses):
    """The first snapshot of one of these statuses."""
    version, snapshot = server.session.wait(0, 60)
    while snapshot.status not in statuses:
        assert snapshot.status in ("preparing", "training"), snapshot
        version, snapshot = server.session.wait(version, 60)
    return snapshot


def ask(server, method, path, body=None, **headers):
    """The status of an answer and what it says; underlines in names of headers mean hyphens."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)) as link:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request(method, path, body, named)
        answer = link.getresponse()
        content = answer.read()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(content) if is_json else content.decode()


def ask_json(server, path, value):
    return ask(server, "POST", path, json.dumps(value), Content_Type="application/json")


def seven() -> bytes:
    """A picture of a seven, as a PNG file."""
    picture = Image.new("L", (280, 280))
    ImageDraw.Draw(picture).line([(80, 60), (200, 60), (130, 230)], "white", 22, "curve")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def test_it_listens_at_the_loopback_address_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):  # another address of the same machine
        socket.create_connection(("127.0.0.2", server.server_port))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/choices"), ("POST", "/stop")])
def test_a_foreign_host_is_refused(server, method, path, host):
    status, answer = ask(server, method, path, Host=host)
    assert status == 403
    port = server.server_port
    assert answer == {"error": f"Host must be 127.0.0.1:{port} or localhost:{port}, got {host}"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/choices"), ("POST", "/train")])
def test_a_foreign_origin_is_refused(server, method, path, origin):
    before = server.session.wait(0, 0)[0]
    body = json.dumps(QUICK) if method == "POST" else None
    status, answer = ask(server, method, path, body, Origin=origin, Content_Type="application/json")
    assert status == 403
    assert answer["error"].endswith(f", got {origin}")
    assert server.session.wait(0, 0)[0] == before


def test_its_own_names_are_served(server):
    for host in server.hosts:
        status, answer = ask(server, "GET", "/", Host=host, Origin=f"http://{host}")
        assert status == 200
        assert "jaxnn" in answer


def test_two_hosts_or_none_are_refused(server):
    for lines in ("", f"Host: {server.hosts[0]}\r\nHost: evil.example\r\n"):
        with closing(socket.create_connection(server.server_address[:2])) as link:
            link.sendall(f"GET / HTTP/1.1\r\n{lines}\r\n".encode())
            assert link.recv(1000).startswith(b"HTTP/1.1 403 ")


WRONG = [
    (b"", "settings is not JSON"),
    (b"{", "settings is not JSON"),
    (b"\xff", "settings is not JSON"),
    (b"[" * 100_000, "settings is not JSON"),
    (b"[]", "settings: list is not a dict"),
    (b'{"hiden": [16]}', "settings: unknown options ['hiden']"),
    (b'{"hidden": 16}', "settings: hidden: int is not a tuple"),
    (b'{"hidden": [1.5]}', "settings: hidden: item 0 of tuple is not an instance of int"),
    (b'{"hidden": [0]}', "hidden must be a number in [1, 1024], got 0"),
    (b'{"hidden": [1025]}', "hidden must be a number in [1, 1024], got 1025"),
    (b'{"hidden": [1, 1, 1, 1, 1]}', "hidden must be at most 4 widths, got 5"),
    (b'{"activation": "open"}', "settings: activation: str is not any of ('relu', "),
    (b'{"optimizer": null}', "settings: optimizer: None is not any of"),
    (b'{"batch_norm": 1}', "settings: batch_norm: int is not an instance of bool"),
    (b'{"dropout": 1.0}', "dropout must be a number in [0, 0.9], got 1.0"),
    (b'{"learning_rate": NaN}', "settings: learning_rate: numbers must be below"),
    (b'{"learning_rate": 0}', "learning_rate must be a number in (0, 1000], got 0"),
    (b'{"learning_rate": "1"}', "settings: learning_rate: str is neither float or int"),
    (b'{"batch_size": 0}', "batch_size must be a number in [1, 1024], got 0"),
    (b'{"batch_size": true}', "batch_size must be a number in [1, 1024], got True"),
    (b'{"batch_norm": true, "batch_size": 1}', "batch_size must be at least 2 with batch_norm"),
    (b'{"epochs": 21}', "epochs must be a number in [1, 20], got 21"),
    (b'{"epochs": 1e400}', "settings: epochs: float is not an instance of int"),
]


@pytest.mark.parametrize(("body", "expected"), WRONG, ids=range(len(WRONG)))
def test_wrong_settings_are_refused_and_nothing_is_trained(server, body, expected):
    before = server.session.wait(0, 0)[0]
    status, answer = ask(server, "POST", "/train", body, Content_Type="application/json")
    assert status == 400
    assert expected in answer["error"]
    assert server.session.wait(0, 0)[0] == before


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "expected"),
    [
        ("GET", "/nothing", {}, 404, "got /nothing"),
        ("GET", "/../server.py", {}, 404, "got /../server.py"),
        ("GET", "/train", {}, 404, "got /train"),
        ("POST", "/", {}, 404, "expected one of /respond, /train, /stop, got /"),
        ("PUT", "/train", {}, 501, "Unsupported method"),
        ("POST", "/train", {"Content-Type": "text/plain"}, 415, "got text/plain"),
        ("POST", "/respond", {"Content-Type": "application/json"}, 415, "must be image/png"),
        ("POST", "/stop", {"Content-Type": "application/json"}, 411, "must be a number, got ''"),
        (
            "POST", "/train",
            {"Content-Type": "application/json", "Content-Length": "-1"}, 411, "got '-1'",
        ),
        (
            "POST", "/train",
            {"Content-Type": "application/json", "Content-Length": "9" * 5000}, 413, "at most",
        ),
        (
            "POST", "/respond",
            {"Content-Type": "image/png", "Content-Length": str(LARGEST_BODY + 1)}, 413, "at most",
        ),
    ],
)  # fmt: skip
def test_what_is_no_request_of_the_page_is_refused(server, method, path, headers, status, expected):
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)) as link:
        link.putrequest(method, path)
        for name, value in headers.items():
            link.putheader(name, value)
        link.endheaders()
        answer = link.getresponse()
        assert answer.status == status
        assert expected in json.loads(answer.read())["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"G" * 70_000 + b"\r\n",
        b"",
    ],
    ids=["TLS", "HTTP/0.9", "HTTP/9", "a long line", "nothing"],
)
def test_what_is_no_request_at_all_makes_no_noise(server, sent, capsys):
    with closing(socket.create_connection(server.server_address[:2], timeout=60)) as link:
        link.sendall(sent)
        link.shutdown(socket.SHUT_WR)
        assert b"200 OK" not in link.recv(1000)
    assert ask(server, "GET", "/")[0] == 200
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("picture", "expected"),
    [(b"no picture", "not a picture"), (seven()[:100], "not a picture"), (b"", "not a picture")],
)
def test_what_is_no_picture_is_refused(server, picture, expected):
    status, answer = ask(server, "POST", "/respond", picture, Content_Type="image/png")
    assert status == 400
    assert expected in answer["error"]


def test_a_drawing_is_converted_as_predict_does_and_recognised(server, tmp_path):
    (tmp_path / "seven.png").write_bytes(seven())
    status, answer = ask(server, "POST", "/respond", seven(), Content_Type="image/png")
    assert status == 200
    assert answer["image"] == data.read_image(tmp_path / "seven.png").ravel().tolist()
    assert np.argmax(answer["probabilities"]) == 7
    assert [layer["path"] for layer in answer["layers"]] == [
        "0/normalize_images", "1/flatten", "2/dense", "3/relu", "4/dense",
    ]  # fmt: skip
    assert [len(layer["values"]) for layer in answer["layers"]] == [784, 784, 16, 16, 10]


def test_the_responses_are_the_intermediates_in_their_order():
    """More than ten layers: a dictionary that JAX returns is sorted by path, "10" before "2"."""
    train_set, test_set = data.load("mnist")
    few = Dataset(test_set.images[:20], test_set.labels[:20])
    settings = Settings(hidden=(6, 5, 4), batch_norm=True, dropout=0.5)
    network = next(moments(settings, train_set, few)).network
    outputs, probabilities = network.respond(few.images[0])
    expected = layers.intermediates(*network[:3], few.images[:1])
    assert list(outputs) == list(expected)
    assert len(outputs) == 15
    for path, output in outputs.items():
        np.testing.assert_allclose(output, expected[path][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-6)


def events(server):
    """The snapshots that a page is told of, as they come."""
    link = socket.create_connection(server.server_address[:2], timeout=60)
    link.sendall(f"GET /events HTTP/1.1\r\nHost: {server.hosts[0]}\r\n\r\n".encode())
    with closing(link), link.makefile("rb") as lines:
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def test_a_training_is_told_from_beginning_to_end(server):
    told = events(server)
    last = next(told)["run"]
    assert ask_json(server, "/train", {**QUICK, "epochs": 2, "dropout": 0.1}) == (200, {})
    seen = []
    while not seen or seen[-1]["status"] != "finished":
        seen.append(next(told))
    told.close()
    assert {snapshot["run"] for snapshot in seen} == {last + 1}
    assert [snapshot["epoch"] for snapshot in seen] == sorted(one["epoch"] for one in seen)
    first, final = seen[0], seen[-1]
    assert (first["status"], first["curve"]) == ("preparing", [])
    assert (final["epoch"], final["parameters"]) == (2, 784 * 16 + 16 + 16 * 10 + 10)
    assert final["settings"] == {
        **Settings().__dict__, **QUICK, "epochs": 2, "dropout": 0.1,
    }  # fmt: skip
    assert final["curve"][-1]["test_accuracy"] > 0.8 > final["curve"][0]["test_accuracy"]
    assert np.sum(final["confusion"]) == 2000
    assert len(final["filters"]) == 16


def test_a_page_that_is_closed_in_mid_training_ends_its_thread_only(server, monkeypatch):
    monkeypatch.setattr(serving, "HEARTBEAT", 0.05)
    names = lambda: [t.name for t in threading.enumerate() if "process_request" in t.name]
    told = [events(server) for _ in range(3)]
    for stream in told:
        next(stream)
    ask_json(server, "/train", {**QUICK, "epochs": 3})
    assert len(names()) >= 3
    for stream in told:
        stream.close()
    assert wait_for(server, "finished").epoch == 3
    late = events(server)  # closed when there is nothing more to tell
    next(late)
    late.close()
    deadline = time.monotonic() + 30
    while names() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert names() == []


def test_a_training_is_stopped_and_its_network_stays(server):
    ask_json(server, "/train", {**QUICK, "batch_size": 1, "epochs": 20})
    wait_for(server, "training")
    assert ask_json(server, "/stop", {}) == (200, {})
    stopped = wait_for(server, "stopped")
    assert 0 <= stopped.epoch < 20
    assert ask(server, "POST", "/respond", seven(), Content_Type="image/png")[0] == 200


def test_a_training_replaces_the_one_that_runs(server):
    ask_json(server, "/train", {**QUICK, "batch_size": 1, "epochs": 20})
    first = wait_for(server, "training")
    ask_json(server, "/train", {**QUICK, "initializer": "he_normal"})
    second = wait_for(server, "finished")
    assert second.run == first.run + 1
    assert second.settings.initializer == "he_normal"


def test_a_training_that_diverges_says_so_and_the_last_network_stays(server):
    wild = {"optimizer": "sgd", "learning_rate": 1000, "activation": "leaky_relu"}
    ask_json(server, "/train", {**QUICK, **wild, "hidden": [16, 16]})
    failed = wait_for(server, "failed")
    assert "no longer a finite number after step" in failed.message
    assert "a smaller learning rate may help" in failed.message
    status, answer = ask(server, "POST", "/respond", seven(), Content_Type="image/png")
    assert status == 200
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_a_second_server_on_the_port_says_that_it_is_in_use(server):
    with pytest.raises(OSError, match=rf"port {server.server_port} of 127\.0\.0\.1 is in use"):
        Server(server.session, server.server_port)
