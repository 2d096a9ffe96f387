const fs = require("node:fs");

// For new SAML(options) of @node-saml/node-saml, and for passport-saml.
module.exports = {
  issuer: {{ self::quoted(f.entity_id) }},
  callbackUrl: {{ self::quoted(f.acs) }},
  identifierFormat: "{{ f.name_id.uri() }}",
  entryPoint: {{ self::quoted(f.sso_url) }},
  logoutUrl: {{ self::quoted(f.slo_url) }},
{%- if let Some(slo) = f.front_slo %}
  logoutCallbackUrl: {{ self::quoted(slo) }},
{%- endif %}
  idpIssuer: {{ self::quoted(f.idp) }},
  idpCert: {{ self::list(f.certificates) }},
  wantAuthnResponseSigned: {{ f.response_signed() }},
  wantAssertionsSigned: {{ f.assertion_signed() }},
  validateInResponseTo: "{% if f.unsolicited %}ifPresent{% else %}always{% endif %}",
  acceptedClockSkewMs: 60000,
  authnRequestBinding: "{% if f.posts() %}HTTP-POST{% else %}HTTP-Redirect{% endif %}",
{%- if f.posts() %}
  // It compresses what it posts unless told not to; HTTP-POST knows no compression.
  skipRequestCompression: true,
{%- endif %}
  // How strongly somebody has to sign in is decided at the identity provider.
  disableRequestedAuthnContext: true,
  signatureAlgorithm: "sha256",
  digestAlgorithm: "sha256",
{%- if f.has_key %}
  privateKey: fs.readFileSync("sp-key.pem", "utf8"),
  publicCert: fs.readFileSync("sp-cert.pem", "utf8"),
  decryptionPvk: fs.readFileSync("sp-key.pem", "utf8"),
  decryptionCert: fs.readFileSync("sp-cert.pem", "utf8"),
{%- endif %}
};
