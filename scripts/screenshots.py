"""Takes the pictures of docs/images from the running demo, as a person would come to see them:
the sign-in page that names the store, then, signed in at the store, the publisher's door.

Speaks WebDriver to chromedriver with Python's standard library alone.
"""

import argparse
import base64
import json
import os
import re
import struct
import subprocess
import sys
import time
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path

# A person of today has no use for a picture at the bare resolution of the page.
WIDTH, HEIGHT, SCALE = 960, 720, 1.5
# The key under which WebDriver names an element (W3C WebDriver, 12.1).
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--doorward", required=True, help="the program")
    arguments.add_argument("--out", required=True, type=Path, help="the folder of the pictures")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with running_demo(options.doorward) as demo, browser() as page:
        take(demo, page, options.out)


def take(demo: dict, page: "Page", out: Path) -> None:
    consumer = next(user for user in demo["users"] if may_enter(user) == ["store"])

    page.open(demo["store"])
    if not page.at(demo["idp"]):
        page.click_first_that_leads_to(demo["idp"])
    page.find("input[type=password]")
    page.save(out / "sign-in.png")

    page.type_into("input[name=username]", consumer["name"])
    page.type_into("input[name=password]", consumer["password"])
    page.submit("input[name=password]")
    page.wait_until(lambda: page.at(demo["store"]), "the store lets the consumer in")

    page.open(demo["publisher"])
    if not page.at(demo["idp"]):
        page.click_first_that_leads_to(demo["idp"])
    page.wait_until(lambda: consumer["name"] in page.text(), "the refusal says who is signed in")
    if page.has("input[type=password]"):
        sys.exit("the publisher's door asked for a password instead of refusing")
    page.save(out / "refused.png")


def may_enter(user: dict) -> list:
    return user.get("may_enter") or []


class Page:
    """One browser window."""

    def __init__(self, driver: str):
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        opened = call("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"{driver}/session/{opened['sessionId']}"
        # The page's own measures: those of a window would count the browser's bars as well.
        metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": SCALE, "mobile": False}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}
        call("POST", f"{self.session}/goog/cdp/execute", command)

    def open(self, address: str) -> None:
        call("POST", f"{self.session}/url", {"url": address})

    def at(self, address: str) -> bool:
        return call("GET", f"{self.session}/url").startswith(address.rstrip("/") + "/")

    def elements(self, css: str) -> list:
        found = call("POST", f"{self.session}/elements", {"using": "css selector", "value": css})
        return [element[ELEMENT] for element in found]

    def has(self, css: str) -> bool:
        return bool(self.elements(css))

    def find(self, css: str) -> str:
        self.wait_until(lambda: self.has(css), f"the page has {css}")
        return self.elements(css)[0]

    def click_first_that_leads_to(self, address: str) -> None:
        """Presses what the app offers for signing in, until the identity provider answers."""
        for candidate in self.elements("main a, main button, header a, header button, a, button"):
            label = call("GET", f"{self.session}/element/{candidate}/text")
            if re.search(r"\b(sign|log)[ -]?in\b", label, re.IGNORECASE):
                call("POST", f"{self.session}/element/{candidate}/click", {})
                self.wait_until(lambda: self.at(address), "signing in leads to the identity provider")
                return
        sys.exit("the app neither led to the identity provider nor offered to sign in")

    def type_into(self, css: str, text: str) -> None:
        call("POST", f"{self.session}/element/{self.find(css)}/value", {"text": text})

    def submit(self, css: str) -> None:
        # Enter, as on a keyboard (W3C WebDriver, 17.4.2).
        self.type_into(css, "\ue007")

    def text(self) -> str:
        return call("GET", f"{self.session}/element/{self.find('body')}/text")

    def save(self, path: Path) -> None:
        # The blinking caret would make each run another picture.
        hide = "document.documentElement.style.caretColor = 'transparent'"
        call("POST", f"{self.session}/execute/sync", {"script": hide, "args": []})
        path.write_bytes(smaller(base64.b64decode(call("GET", f"{self.session}/screenshot"))))
        print(f"    {path} ({path.stat().st_size // 1024} KiB)")

    def wait_until(self, condition, what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                address = call("GET", f"{self.session}/url")
                sys.exit(f"waited 20 s in vain: {what} (at {address})")
            time.sleep(0.1)


def smaller(png: bytes) -> bytes:
    """The picture in fewer bytes: without transparency, its colours in steps of four, packed with
    patience. The browser dithers what shades off, which no eye sees and no packing gets small.

    Reads what a browser writes: 8 bits, RGB or RGBA, not interlaced.
    """
    width, height, _, colour, *_ = struct.unpack(">IIBBBBB", png[16:29])
    channels = {2: 3, 6: 4}[colour]
    packed, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    rows = unfiltered(zlib.decompress(packed), width * channels, height, channels)
    if channels == 4:
        rows = [b"".join(row[n : n + 3] for n in range(0, len(row), 4)) for row in rows]
    steps = bytes(min(255, (value + 2) // 4 * 4) for value in range(256))
    rows = [row.translate(steps) for row in rows]
    lines, above = [], bytes(width * 3)
    for row in rows:
        # The filter whose differences are smallest packs best (PNG, 12.8).
        left = bytes(3) + row[:-3]
        tries = {0: row, 1: minus(row, left), 2: minus(row, above)}
        best = min(tries, key=lambda kind: sum(min(byte, 256 - byte) for byte in tries[kind]))
        lines.append(bytes([best]) + tries[best])
        above = row
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b"")]
    return png[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def minus(row: bytes, other: bytes) -> bytes:
    return bytes((a - b) & 255 for a, b in zip(row, other))


def unfiltered(data: bytes, stride: int, height: int, step: int) -> list:
    """The rows as they are, with the filters undone (PNG, 9.2)."""
    rows, above = [], bytes(stride)
    for number in range(height):
        start = number * (stride + 1)
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for n in range(stride):
            left, up, corner = (row[n - step], above[n], above[n - step]) if n >= step else (0, above[n], 0)
            row[n] = (row[n] + (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]) & 255
        above = bytes(row)
        rows.append(above)
    return rows


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


@contextmanager
def running_demo(doorward: str):
    """The demo, and what its one line of JSON says about it."""
    quiet = os.environ | {"DOORWARD_LOG_LEVEL": "error"}
    program = subprocess.Popen([doorward, "demo", "--json"], stdout=subprocess.PIPE, text=True, env=quiet)
    try:
        line = program.stdout.readline()
        if not line:
            sys.exit("doorward demo ended without saying where it is")
        yield json.loads(line)
    finally:
        stop(program)


@contextmanager
def browser():
    """chromedriver on a port of its own choice, with one window."""
    command = ["chromedriver", "--port=0"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        port = next(
            (found[1] for line in program.stdout if (found := re.search(r"successfully on port (\d+)", line))),
            None,
        )
        if port is None:
            sys.exit("chromedriver did not start")
        page = Page(f"http://127.0.0.1:{port}")
        try:
            yield page
        finally:
            call("DELETE", page.session)
    finally:
        stop(program)


def stop(program: subprocess.Popen) -> None:
    program.terminate()
    try:
        program.wait(timeout=10)
    except subprocess.TimeoutExpired:
        program.kill()


def call(method: str, address: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    # Loopback only: a proxy of the surroundings has no part in it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)["value"]


if __name__ == "__main__":
    main()
