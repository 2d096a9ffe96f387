"""Reads SAML messages for the tests with parsers that are not ours.

One JSON object per line comes in on standard input ({"xml": "..."}), one goes out: {"ok": facts} or
{"error": why}. Every message is validated against the OASIS schemas twice, by libxml2 with the copies
that python3-saml ships and by xmlschema with those that pysaml2 ships; then what it says is told.
Signatures are only described here; the xmlsec1 command line checks them (oracle.rs).
"""

import json
import os
import sys

import onelogin.saml2
from lxml import etree
from saml2.xml.schema import _create_xml_schema_validator

NS = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "m": "urn:oasis:names:tc:SAML:2.0:metadata",
    "d": "http://www.w3.org/2000/09/xmldsig#",
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "shibmd": "urn:mace:shibboleth:metadata:1.0",
    "alg": "urn:oasis:names:tc:SAML:metadata:algsupport",
}
SCHEMAS = os.path.join(os.path.dirname(onelogin.saml2.__file__), "schemas")
PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=False
)


def libxml2_schema(name):
    return etree.XMLSchema(etree.parse(os.path.join(SCHEMAS, name)))


PROTOCOL = libxml2_schema("saml-schema-protocol-2.0.xsd")
METADATA = libxml2_schema("saml-schema-metadata-2.0.xsd")
XMLSCHEMA = _create_xml_schema_validator()


class Wrong(Exception):
    """A message breaks a rule that every message of ours has to keep."""


def validate(text, tree):
    if tree.docinfo.doctype:
        raise Wrong("it has a DOCTYPE")
    root = etree.QName(tree.getroot())
    schema = METADATA if root.namespace == NS["m"] else PROTOCOL
    if not schema.validate(tree):
        raise Wrong(f"python3-saml's schemas: {schema.error_log.last_error}")
    error = next(XMLSCHEMA.iter_errors(text), None)
    if error is not None:
        raise Wrong(f"pysaml2's schemas: {error.reason} at {error.path}")


def one(node, path):
    found = node.xpath(path, namespaces=NS)
    return found[0] if found else None


def text(node, path):
    found = one(node, path)
    return None if found is None else "".join(found.itertext())


def position(node):
    """An XPath that needs no prefixes, since xmlsec1 knows none."""
    parent = node.getparent()
    if parent is None:
        return "/*"
    return f"{position(parent)}/*[{parent.index(node) + 1}]"


def signatures(tree):
    """What is signed, after checking that each signature covers its parent and nothing else."""
    found = []
    for signature in tree.xpath("//d:Signature", namespaces=NS):
        parent = signature.getparent()
        references = signature.xpath("d:SignedInfo/d:Reference", namespaces=NS)
        if len(references) != 1 or references[0].get("URI") != "#" + parent.get("ID", ""):
            raise Wrong("a signature does not cover exactly its parent (Core 5.4.2)")
        before = signature.getprevious()
        is_metadata = etree.QName(parent).namespace == NS["m"]
        if not is_metadata and (before is None or etree.QName(before).localname != "Issuer"):
            raise Wrong("a signature does not stand right after the Issuer")
        if signature.xpath("d:Object", namespaces=NS):
            raise Wrong("a signature holds a ds:Object (E91)")
        found.append(
            {
                "of": etree.QName(parent).localname,
                "id": parent.get("ID"),
                "xpath": position(signature),
                "method": one(signature, "d:SignedInfo/d:SignatureMethod").get("Algorithm"),
                "digest": one(references[0], "d:DigestMethod").get("Algorithm"),
            }
        )
    return found


def name_id(node):
    if node is None:
        return None
    return {
        "value": node.text or "",
        "format": node.get("Format"),
        "name_qualifier": node.get("NameQualifier"),
        "sp_name_qualifier": node.get("SPNameQualifier"),
    }


def assertion(node):
    data = one(node, "a:Subject/a:SubjectConfirmation/a:SubjectConfirmationData")
    conditions = one(node, "a:Conditions")
    authn = one(node, "a:AuthnStatement")
    return {
        "id": node.get("ID"),
        "issuer": text(node, "a:Issuer"),
        "name_id": name_id(one(node, "a:Subject/a:NameID")),
        "confirmation_method": one(node, "a:Subject/a:SubjectConfirmation").get("Method"),
        "confirmation": dict(data.attrib),
        "not_before": conditions.get("NotBefore"),
        "not_on_or_after": conditions.get("NotOnOrAfter"),
        "audiences": [
            "".join(audience.itertext())
            for audience in node.xpath("a:Conditions/a:AudienceRestriction/a:Audience", namespaces=NS)
        ],
        "authn_instant": authn.get("AuthnInstant"),
        "session_index": authn.get("SessionIndex"),
        "session_not_on_or_after": authn.get("SessionNotOnOrAfter"),
        "class_ref": text(authn, "a:AuthnContext/a:AuthnContextClassRef"),
        "attributes": [
            {
                "name": attribute.get("Name"),
                "name_format": attribute.get("NameFormat"),
                "friendly_name": attribute.get("FriendlyName"),
                "types": [
                    kind
                    for kind in attribute.xpath(
                        "a:AttributeValue/@xsi:type",
                        namespaces={**NS, "xsi": "http://www.w3.org/2001/XMLSchema-instance"},
                    )
                ],
                "values": [
                    "".join(value.itertext())
                    for value in attribute.xpath("a:AttributeValue", namespaces=NS)
                ],
            }
            for attribute in node.xpath("a:AttributeStatement/a:Attribute", namespaces=NS)
        ],
    }


def response(root):
    codes = root.xpath("p:Status//p:StatusCode/@Value", namespaces=NS)
    assertions = [assertion(a) for a in root.xpath("a:Assertion", namespaces=NS)]
    succeeded = codes == ["urn:oasis:names:tc:SAML:2.0:status:Success"]
    if len(assertions) != (1 if succeeded else 0):
        raise Wrong(f"{codes} with {len(assertions)} assertions")
    return {
        "status": codes,
        "status_message": text(root, "p:Status/p:StatusMessage"),
        "assertion": assertions[0] if assertions else None,
    }


def artifact_response(root):
    inner = [child for child in root if child.tag in KINDS]
    if len(inner) > 1:
        raise Wrong(f"{len(inner)} messages in an ArtifactResponse")
    return {
        "status": root.xpath("p:Status//p:StatusCode/@Value", namespaces=NS),
        "carried": facts_of(inner[0]) if inner else None,
    }


def authn_request(root):
    policy = one(root, "p:NameIDPolicy")
    return {
        "acs_url": root.get("AssertionConsumerServiceURL"),
        "protocol_binding": root.get("ProtocolBinding"),
        "force_authn": root.get("ForceAuthn"),
        "is_passive": root.get("IsPassive"),
        "name_id_policy": None if policy is None else dict(policy.attrib),
    }


def about(root):
    """What metadata says to people: by XPath, so that order and nesting count."""
    ui = "m:IDPSSODescriptor/m:Extensions/mdui:UIInfo/"
    logo = one(root, ui + "mdui:Logo")
    return {
        "cache_duration": root.get("cacheDuration"),
        "error_url": one(root, "m:IDPSSODescriptor/@errorURL"),
        "display_name": text(root, ui + "mdui:DisplayName[@xml:lang='en']"),
        "logo": None if logo is None else [logo.get("width"), logo.get("height"), logo.text],
        "scopes": root.xpath(
            "m:IDPSSODescriptor/m:Extensions/shibmd:Scope[@regexp='false']/text()", namespaces=NS
        ),
        "organization": [
            "".join(node.itertext()) for node in root.xpath("m:Organization/*", namespaces=NS)
        ],
        "technical_contacts": root.xpath(
            "m:ContactPerson[@contactType='technical']/m:EmailAddress/text()", namespaces=NS
        ),
        "algorithms": root.xpath("m:Extensions/alg:*/@Algorithm", namespaces=NS),
    }


def entity_descriptor(root):
    return {
        "entity_id": root.get("entityID"),
        "valid_until": root.get("validUntil"),
        "want_authn_requests_signed": (
            one(root, "m:IDPSSODescriptor").get("WantAuthnRequestsSigned")
            if root.xpath("m:IDPSSODescriptor", namespaces=NS)
            else None
        ),
        "certificates": [
            "".join(certificate.text.split())
            for certificate in root.xpath(
                ".//m:KeyDescriptor[not(@use) or @use='signing']//d:X509Certificate", namespaces=NS
            )
        ],
        "name_id_formats": root.xpath(".//m:NameIDFormat/text()", namespaces=NS),
        "about": about(root),
        "endpoints": [
            {
                "element": etree.QName(endpoint).localname,
                "binding": endpoint.get("Binding"),
                "location": endpoint.get("Location"),
            }
            for endpoint in root.xpath("m:*/m:*[@Binding]", namespaces=NS)
        ],
    }


KINDS = {
    etree.QName(NS["p"], "Response").text: response,
    etree.QName(NS["p"], "ManageNameIDResponse").text: response,
    etree.QName(NS["p"], "ArtifactResponse").text: artifact_response,
    etree.QName(NS["p"], "AuthnRequest").text: authn_request,
    etree.QName(NS["m"], "EntityDescriptor").text: entity_descriptor,
}


def read(xml):
    tree = etree.ElementTree(etree.fromstring(xml.encode(), PARSER))
    validate(xml, tree)
    root = tree.getroot()
    if root.tag not in KINDS:
        raise Wrong(f"a {root.tag} is not among the messages that we know")
    facts = facts_of(root)
    facts["signatures"] = signatures(tree)
    return facts


def facts_of(root):
    facts = KINDS[root.tag](root)
    facts.update(
        kind=etree.QName(root).localname,
        id=root.get("ID", ""),
        issue_instant=root.get("IssueInstant"),
        destination=root.get("Destination"),
        in_response_to=root.get("InResponseTo"),
        issuer=text(root, "a:Issuer"),
    )
    return facts


for line in sys.stdin:
    try:
        answer = {"ok": read(json.loads(line)["xml"])}
    except (Wrong, etree.XMLSyntaxError) as wrong:
        answer = {"error": str(wrong)}
    print(json.dumps(answer), flush=True)
