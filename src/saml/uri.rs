//! The identifiers that SAML and XML Signature give to things.

use super::xml::Namespace;

/// `samlp`: the protocol namespace (Core 1.1).
pub const SAMLP: Namespace<'static> =
    Namespace::new("samlp", "urn:oasis:names:tc:SAML:2.0:protocol");
/// `saml`: the assertion namespace (Core 1.1).
pub const SAML: Namespace<'static> =
    Namespace::new("saml", "urn:oasis:names:tc:SAML:2.0:assertion");
/// `md`: the metadata namespace (Metadata 1.1).
pub const MD: Namespace<'static> = Namespace::new("md", "urn:oasis:names:tc:SAML:2.0:metadata");
/// `mdui`: the metadata extensions for people's eyes.
pub const MDUI: Namespace<'static> = Namespace::new("mdui", "urn:oasis:names:tc:SAML:metadata:ui");
/// `alg`: the metadata extensions about algorithms.
pub const ALG: Namespace<'static> =
    Namespace::new("alg", "urn:oasis:names:tc:SAML:metadata:algsupport");
/// `ds`: XML Signature.
pub const DS: Namespace<'static> = Namespace::new("ds", "http://www.w3.org/2000/09/xmldsig#");
/// `xenc`: XML Encryption.
pub const XENC: Namespace<'static> = Namespace::new("xenc", "http://www.w3.org/2001/04/xmlenc#");
/// `xenc11`: the additions of XML Encryption 1.1.
pub const XENC11: Namespace<'static> = Namespace::new("xenc11", "http://www.w3.org/2009/xmlenc11#");

/// `S`: the envelope of SOAP 1.1 (Bindings 3.2.2).
pub const SOAP: Namespace<'static> =
    Namespace::new("S", "http://schemas.xmlsoap.org/soap/envelope/");
/// `xs`: XML Schema, for the types of values.
pub const XS: Namespace<'static> = Namespace::new("xs", "http://www.w3.org/2001/XMLSchema");
/// `xsi`: XML Schema in instances.
pub const XSI: Namespace<'static> =
    Namespace::new("xsi", "http://www.w3.org/2001/XMLSchema-instance");
/// `mdattr`: the metadata extensions with attributes of entities.
pub const MDATTR: Namespace<'static> =
    Namespace::new("mdattr", "urn:oasis:names:tc:SAML:metadata:attribute");
/// `ecp`: the header blocks of the profile for enhanced clients (Profiles 4.2.4, ECP 2.0).
pub const ECP: Namespace<'static> =
    Namespace::new("ecp", "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp");
/// `samlec`: keys between an enhanced client and its SP (SAML-EC 5.3).
pub const SAMLEC: Namespace<'static> = Namespace::new("samlec", "urn:ietf:params:xml:ns:samlec");
/// `cb`: channel bindings (Channel Binding Extensions 1.0).
pub const CB: Namespace<'static> =
    Namespace::new("cb", "urn:oasis:names:tc:SAML:protocol:ext:channel-binding");

/// The protocol, as `protocolSupportEnumeration` names it.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// HTTP-Redirect (Bindings 3.4).
pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// HTTP-POST (Bindings 3.5).
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// HTTP-Artifact (Bindings 3.6).
pub const HTTP_ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
/// PAOS, by which an enhanced client brings a Response (Bindings 3.3).
pub const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
/// SOAP over HTTP (Bindings 3.2.3).
pub const SOAP_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
/// The extension by which a LogoutRequest wants no answer (Asynchronous Single Logout).
pub const ASYNC_SLO: &str = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo";
/// DEFLATE, the one encoding of HTTP-Redirect (Bindings 3.4.4.1).
pub const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
/// Bearer confirmation (Profiles 3.3).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// The format of an entityID as a NameID (Core 8.3.6).
pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
/// The format that asks for an EncryptedID (Core 3.4.1.1).
pub const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
