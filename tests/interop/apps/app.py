"""An application in Python whose service provider is python3-saml or pysaml2, configured by the file
that `doorward sp snippet` printed into the working directory. `python app.py KIND PORT`

  GET  /metadata                     what the library publishes
  GET  /login[?force=1][&passive=1]  begins a sign-in, and comes back to /
  POST /acs                          judges a Response: signed in, or 403 with the reason
  GET  /logout                       begins a single logout, and comes back to /
  GET  /slo                          takes LogoutRequests and LogoutResponses by HTTP-Redirect
  GET  /                             who is signed in, as JSON; 401 where nobody is
"""

import json
import os
import re
import runpy
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KIND, PORT = sys.argv[1], int(sys.argv[2])
SESSIONS = {}


class Refused(Exception):
    """The library's word that it lets nobody in."""


class Python3Saml:
    """OneLogin's python3-saml; it reads settings.json and certs/ in this folder."""

    def __init__(self):
        from onelogin.saml2.settings import OneLogin_Saml2_Settings

        self.settings = OneLogin_Saml2_Settings(custom_base_path=os.getcwd())
        self.asked = set()

    def auth(self, path, query=None, form=None, raw=""):
        from onelogin.saml2.auth import OneLogin_Saml2_Auth

        host = urlsplit(self.settings.get_sp_data()["assertionConsumerService"]["url"]).netloc
        request = {
            "https": "off",
            "http_host": host,
            "script_name": path,
            "get_data": query or {},
            "post_data": form or {},
            # What is signed is the query as it came.
            "query_string": raw,
            "validate_signature_from_qs": True,
        }
        return OneLogin_Saml2_Auth(request, old_settings=self.settings)

    def metadata(self):
        metadata = self.settings.get_sp_metadata()
        if errors := self.settings.validate_metadata(metadata):
            raise Refused(f"its own metadata: {errors}")
        return metadata

    def login(self, force, passive):
        auth = self.auth("/login")
        address = auth.login(return_to="/", force_authn=force, is_passive=passive)
        self.asked.add(auth.get_last_request_id())
        return {"redirect": address}

    def accept(self, form):
        auth = self.auth("/acs", form=form)
        # An app remembers in its session what it asked for; unsolicited ones answer nothing.
        answered = [asked for asked in self.asked if asked in response_xml(form)]
        auth.process_response(request_id=answered[0] if answered else None)
        if not auth.is_authenticated():
            raise Refused(f"{auth.get_errors()} {auth.get_last_error_reason()}")
        return {
            "name_id": auth.get_nameid(),
            "name_id_format": auth.get_nameid_format(),
            "session_index": auth.get_session_index(),
            "values": [value for values in auth.get_attributes().values() for value in values],
        }


    def logout(self, identity):
        auth = self.auth("/logout")
        return auth.logout(
            return_to="/",
            name_id=identity["name_id"],
            name_id_format=identity["name_id_format"],
            session_index=identity["session_index"],
        )

    def single_logout(self, raw, query, identity):
        auth = self.auth("/slo", query, raw=raw)
        address = auth.process_slo(keep_local_session=True)
        if auth.get_errors():
            raise Refused(f"{auth.get_errors()} {auth.get_last_error_reason()}")
        return address


class Pysaml2:
    """pysaml2; it reads sp_conf.py in this folder."""

    def __init__(self):
        from saml2.client import Saml2Client
        from saml2.config import SPConfig

        snippet = runpy.run_path("sp_conf.py")
        self.client = Saml2Client(config=SPConfig().load(snippet["CONFIG"]))
        self.binding = snippet["REQUEST_BINDING"]
        self.asked = {}

    def metadata(self):
        from saml2.metadata import entity_descriptor

        return str(entity_descriptor(self.client.config))

    def login(self, force, passive):
        from saml2 import BINDING_HTTP_POST

        flags = {name: "true" for name, wanted in {"force_authn": force, "is_passive": passive}.items() if wanted}
        request_id, http = self.client.prepare_for_authenticate(relay_state="/", binding=self.binding, **flags)
        self.asked[request_id] = "/"
        if self.binding == BINDING_HTTP_POST:
            return {"page": http["data"]}
        return {"redirect": dict(http["headers"])["Location"]}

    def accept(self, form):
        from saml2 import BINDING_HTTP_POST
        from saml2.ident import code

        response = self.client.parse_authn_request_response(form["SAMLResponse"], BINDING_HTTP_POST, self.asked)
        if response is None or response.name_id is None:
            raise Refused("pysaml2 made nothing of it")
        return {
            "coded": code(response.name_id),
            "name_id": response.name_id.text,
            "name_id_format": response.name_id.format,
            "session_index": response.session_info()["session_index"],
            "values": [value for values in response.get_identity().values() for value in values],
        }


    def logout(self, identity):
        # It finds the session by the NameID that it was given.
        ((_, http),) = self.client.global_logout(self.name_id(identity)).values()
        return dict(http["headers"])["Location"]

    def single_logout(self, raw, query, identity):
        from saml2 import BINDING_HTTP_REDIRECT

        if "SAMLResponse" in query:
            response = self.client.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
            self.client.handle_logout_response(response)
            return "/"
        http = self.client.handle_logout_request(
            query["SAMLRequest"],
            self.name_id(identity),
            BINDING_HTTP_REDIRECT,
            relay_state=query.get("RelayState"),
            sigalg=query["SigAlg"],
            signature=query["Signature"],
        )
        return dict(http["headers"])["Location"]

    @staticmethod
    def name_id(identity):
        from saml2.ident import decode

        return decode(identity["coded"])


def response_xml(form):
    import base64

    return base64.b64decode(form["SAMLResponse"]).decode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answered(self.get)

    def do_POST(self):
        self.answered(self.post)

    def answered(self, handler):
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        try:
            handler(path, query)
        except Exception as error:  # what the library raises is its refusal
            self.send(403, "text/plain", f"refused: {type(error).__name__}: {error}")

    def get(self, path, query):
        if path == "/metadata":
            return self.send(200, "application/samlmetadata+xml", APP.metadata())
        if path == "/login":
            return self.handed(APP.login(query.get("force") == "1", query.get("passive") == "1"))
        if path == "/logout":
            return self.handed({"redirect": APP.logout(SESSIONS[self.session()])})
        if path == "/slo":
            address = APP.single_logout(urlsplit(self.path).query, query, SESSIONS[self.session()])
            del SESSIONS[self.session()]
            return self.handed({"redirect": address or "/"})
        if path == "/":
            identity = SESSIONS.get(self.session())
            return self.send(200 if identity else 401, "application/json", json.dumps(identity))
        return self.send(404, "text/plain", "no such page")

    def post(self, path, query):
        length = int(self.headers.get("Content-Length", "0"))
        form = dict(parse_qsl(self.rfile.read(length).decode()))
        if path != "/acs":
            return self.send(404, "text/plain", "no such page")
        session = secrets.token_hex(16)
        SESSIONS[session] = APP.accept(form)
        cookie = ("Set-Cookie", f"app_session={session}; Path=/; HttpOnly")
        return self.send(303, "text/plain", "", cookie, ("Location", "/"))

    def handed(self, message):
        if "page" in message:
            return self.send(200, "text/html", message["page"])
        return self.send(302, "text/plain", "", ("Location", message["redirect"]))

    def session(self):
        found = re.search(r"app_session=(\w+)", self.headers.get("Cookie", ""))
        return found and found[1]

    def send(self, status, content_type, content, *headers):
        body = content if isinstance(content, bytes) else content.encode()
        self.send_response(status)
        for name, value in (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


APP = {"python3-saml": Python3Saml, "pysaml2": Pysaml2}[KIND]()
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
