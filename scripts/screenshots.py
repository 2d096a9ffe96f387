"""Takes the pictures of docs/images from the running demo, as a person would come to see them:
the sign-in page that names the store, then, signed in at the store, the publisher's door.

Speaks WebDriver to chromedriver with Python's standard library alone.
"""

import argparse
import base64
import json
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

WIDTH, HEIGHT, SCALE = 960, 720, 2
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
        # A person of today has no use for a picture at half the resolution of the screen.
        arguments += [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        opened = call("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"{driver}/session/{opened['sessionId']}"

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
        path.write_bytes(base64.b64decode(call("GET", f"{self.session}/screenshot")))
        print(f"    {path}")

    def wait_until(self, condition, what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                address = call("GET", f"{self.session}/url")
                sys.exit(f"waited 20 s in vain: {what} (at {address})")
            time.sleep(0.1)


@contextmanager
def running_demo(doorward: str):
    """The demo, and what its one line of JSON says about it."""
    program = subprocess.Popen([doorward, "demo", "--json"], stdout=subprocess.PIPE, text=True)
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
