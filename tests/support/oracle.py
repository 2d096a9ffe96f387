"""Reads SAML messages for the tests with parsers that are not ours.

One JSON object per line comes in on standard input ({"xml": "...", "key": PEM or null}), one goes out: {"ok": facts} or
{"error": why}. Every message is validated against the OASIS schemas twice, by libxml2 with the copies
that python3-saml ships and by xmlschema with those that pysaml2 ships; then what it says is told.
What is encrypted is decrypted with the key, by the cryptography package, and read as a document that
stands alone. Signatures are only described here; the xmlsec1 command line checks them (oracle.rs).
"""

import base64
import json
import os
import sys

import onelogin.saml2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
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
    "e": "http://www.w3.org/2001/04/xmlenc#",
    "f": "http://www.w3.org/2009/xmlenc11#",
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
    # Neither set has the schema of XML Encryption 1.1, whose one element may stand there.
    if tree.xpath("//e:EncryptionMethod/f:MGF", namespaces=NS):
        tree = etree.ElementTree(etree.fromstring(text.encode(), PARSER))
        for mask in tree.xpath("//e:EncryptionMethod/f:MGF", namespaces=NS):
            mask.getparent().remove(mask)
        text = etree.tostring(tree).decode()
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


HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


def after(text, mark):
    return text.rsplit(mark, 1)[1]


def algorithm(node, path, otherwise):
    found = one(node, path)
    return otherwise if found is None else found.get("Algorithm")


def cipher_value(node):
    return base64.b64decode(one(node, "e:CipherData/e:CipherValue").text, validate=True)


def content_key(sealed, key):
    """Opens an EncryptedKey, and says how it was closed."""
    method = one(sealed, "e:EncryptionMethod")
    digest = after(algorithm(method, "d:DigestMethod", "#sha1"), "#")
    mask = after(algorithm(method, "f:MGF", "#mgf1sha1"), "mgf1")
    transport = after(method.get("Algorithm"), "#")
    if transport not in ("rsa-oaep-mgf1p", "rsa-oaep"):
        raise Wrong(f"a key is transported by {transport}")
    oaep = padding.OAEP(mgf=padding.MGF1(HASHES[mask]()), algorithm=HASHES[digest](), label=None)
    return key.decrypt(cipher_value(sealed), oaep), (transport, digest, mask)


def content(method, key, octets):
    bits = {"aes128-gcm": 128, "aes256-gcm": 256, "aes128-cbc": 128, "aes256-cbc": 256}[method]
    if len(key) * 8 != bits:
        raise Wrong(f"a key of {len(key)} octets for {method}")
    if method.endswith("gcm"):
        return AESGCM(key).decrypt(octets[:12], octets[12:], None)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(octets[:16])).decryptor()
    plain = decryptor.update(octets[16:]) + decryptor.finalize()
    if not 1 <= plain[-1] <= 16:
        raise Wrong("the padding of XML Encryption is broken")
    return plain[: -plain[-1]]


def decrypted(node, key):
    """What an EncryptedAssertion or EncryptedID holds, as text that has to stand alone."""
    if key is None:
        raise Wrong("it is encrypted, and the test has no key")
    data = one(node, "e:EncryptedData")
    if data.get("Type") != NS["e"] + "Element":
        raise Wrong("EncryptedData is not of the type Element (Core 2.2.4, 2.3.4)")
    sealed = one(node, ".//e:EncryptedKey")
    opened, transport = content_key(sealed, load_pem_private_key(key.encode(), None))
    method = after(one(data, "e:EncryptionMethod").get("Algorithm"), "#")
    plain = content(method, opened, cipher_value(data)).decode()
    how = {"data": method, "transport": "/".join(transport), "recipient": sealed.get("Recipient")}
    return plain, how


def parsed(text):
    tree = etree.ElementTree(etree.fromstring(text.encode(), PARSER))
    validate(text, tree)
    return tree


def name_id(node):
    if node is None:
        return None
    return {
        "value": node.text or "",
        "format": node.get("Format"),
        "name_qualifier": node.get("NameQualifier"),
        "sp_name_qualifier": node.get("SPNameQualifier"),
    }


def subject_id(node, key):
    sealed = one(node, "a:Subject/a:EncryptedID")
    if sealed is None:
        return name_id(one(node, "a:Subject/a:NameID")), None
    plain, how = decrypted(sealed, key)
    return name_id(parsed(plain).getroot()), how


def assertion(node, key):
    identifier, encrypted_id = subject_id(node, key)
    data = one(node, "a:Subject/a:SubjectConfirmation/a:SubjectConfirmationData")
    conditions = one(node, "a:Conditions")
    authn = one(node, "a:AuthnStatement")
    return {
        "id": node.get("ID"),
        "issuer": text(node, "a:Issuer"),
        "name_id": identifier,
        "encrypted_id": encrypted_id,
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


def response(root, key):
    codes = root.xpath("p:Status//p:StatusCode/@Value", namespaces=NS)
    assertions = [assertion(a, key) for a in root.xpath("a:Assertion", namespaces=NS)]
    inside = {}
    for sealed in root.xpath("a:EncryptedAssertion", namespaces=NS):
        plain, how = decrypted(sealed, key)
        tree = parsed(plain)
        assertions.append(assertion(tree.getroot(), key))
        inside = {"decrypted": plain, "encryption": how, "signatures_inside": signatures(tree)}
    succeeded = codes == ["urn:oasis:names:tc:SAML:2.0:status:Success"]
    if len(assertions) != (1 if succeeded else 0):
        raise Wrong(f"{codes} with {len(assertions)} assertions")
    return {
        "status": codes,
        "status_message": text(root, "p:Status/p:StatusMessage"),
        "assertion": assertions[0] if assertions else None,
        **inside,
    }


def artifact_response(root, key):
    inner = [child for child in root if child.tag in KINDS]
    if len(inner) > 1:
        raise Wrong(f"{len(inner)} messages in an ArtifactResponse")
    return {
        "status": root.xpath("p:Status//p:StatusCode/@Value", namespaces=NS),
        "carried": facts_of(inner[0], key) if inner else None,
    }


def authn_request(root, _key):
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


def entity_descriptor(root, _key):
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
        "encryption_certificates": [
            "".join(certificate.text.split())
            for certificate in root.xpath(
                ".//m:KeyDescriptor[@use='encryption']//d:X509Certificate", namespaces=NS
            )
        ],
        "algorithms": root.xpath(
            ".//*[local-name()='SigningMethod' or local-name()='DigestMethod' "
            "or local-name()='EncryptionMethod']/@Algorithm"
        ),
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


def logout_request(root, _key):
    return {
        "name_id": name_id(one(root, "a:NameID")),
        "session_indexes": root.xpath("p:SessionIndex/text()", namespaces=NS),
        "not_on_or_after": root.get("NotOnOrAfter"),
        "reason": root.get("Reason"),
    }


def logout_response(root, _key):
    return {"status": root.xpath("p:Status//p:StatusCode/@Value", namespaces=NS)}


KINDS = {
    etree.QName(NS["p"], "LogoutRequest").text: logout_request,
    etree.QName(NS["p"], "LogoutResponse").text: logout_response,
    etree.QName(NS["p"], "Response").text: response,
    etree.QName(NS["p"], "ManageNameIDResponse").text: response,
    etree.QName(NS["p"], "ArtifactResponse").text: artifact_response,
    etree.QName(NS["p"], "AuthnRequest").text: authn_request,
    etree.QName(NS["m"], "EntityDescriptor").text: entity_descriptor,
}


def read(xml, key):
    tree = etree.ElementTree(etree.fromstring(xml.encode(), PARSER))
    validate(xml, tree)
    root = tree.getroot()
    if root.tag not in KINDS:
        raise Wrong(f"a {root.tag} is not among the messages that we know")
    facts = facts_of(root, key)
    facts["signatures"] = signatures(tree)
    return facts


def facts_of(root, key):
    facts = KINDS[root.tag](root, key)
    facts.update(
        kind=etree.QName(root).localname,
        id=root.get("ID", ""),
        issue_instant=root.get("IssueInstant"),
        destination=root.get("Destination"),
        in_response_to=root.get("InResponseTo"),
        consent=root.get("Consent"),
        issuer=text(root, "a:Issuer"),
    )
    return facts


for line in sys.stdin:
    try:
        question = json.loads(line)
        answer = {"ok": read(question["xml"], question.get("key"))}
    except (Wrong, etree.XMLSyntaxError) as wrong:
        answer = {"error": str(wrong)}
    print(json.dumps(answer), flush=True)
