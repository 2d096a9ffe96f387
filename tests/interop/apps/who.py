#!/usr/bin/python3
"""Who is signed in, as the modules of Apache tell an application: by variables of its environment."""

import json
import os

FORMATS = {
    "persistent_id": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "transient_id": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    "email_id": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "user_id": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
}

told = os.environ
# mod_auth_mellon keeps the format to itself; Shibboleth has a name for each.
name_id, name_id_format = told.get("MELLON_NAME_ID"), None
for variable, uri in FORMATS.items():
    if variable in told:
        name_id, name_id_format = told[variable], uri
values = [told.get(prefix + name) for prefix in ("MELLON_", "") for name in ("mail", "displayName", "role")]
identity = {"name_id": name_id, "name_id_format": name_id_format, "values": [v for v in values if v]}

print("Status: 200 OK" if name_id else "Status: 401 Unauthorized")
print("Content-Type: application/json")
print()
print(json.dumps(identity if name_id else None))
