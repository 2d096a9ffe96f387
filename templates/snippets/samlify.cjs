const fs = require("node:fs");
const samlify = require("samlify");

// samlify judges no message without a validator of schemas: npm install @authenio/samlify-node-xmllint
samlify.setSchemaValidator(require("@authenio/samlify-node-xmllint"));

const binding = "urn:oasis:names:tc:SAML:2.0:bindings:";

const sp = samlify.ServiceProvider({
  entityID: {{ self::quoted(f.entity_id) }},
  assertionConsumerService: [
    { Binding: binding + "HTTP-POST", Location: {{ self::quoted(f.acs) }} },
  ],
{%- if let Some(slo) = f.slo %}
  singleLogoutService: [
    { Binding: binding + "HTTP-Redirect", Location: {{ self::quoted(slo) }} },
  ],
{%- endif %}
  wantLogoutRequestSigned: true,
  wantLogoutResponseSigned: true,
  nameIDFormat: ["{{ f.name_id.uri() }}"],
  allowCreate: true,
  authnRequestsSigned: {{ f.has_key }},
  wantAssertionsSigned: {{ f.assertion_signed() }},
  wantMessageSigned: {{ f.response_signed() }},
  requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  clockDrifts: [-60000, 60000],
{%- if f.has_key %}
  // Where a signature stands in what it sends; without this it looks for a Response in there.
  signatureConfig: {
    prefix: "ds",
    location: { reference: "/*/*[local-name(.)='Issuer']", action: "after" },
  },
  signingCert: fs.readFileSync("sp-cert.pem"),
  privateKey: fs.readFileSync("sp-key.pem"),
{%- if f.encrypts %}
  encryptCert: fs.readFileSync("sp-cert.pem"),
  encPrivateKey: fs.readFileSync("sp-key.pem"),
{%- endif %}
{%- endif %}
});

// Not from our metadata: samlify signs its requests only for an identity provider that wants
// those of all its service providers signed, and Doorward asks each one apart.
const idp = samlify.IdentityProvider({
  entityID: {{ self::quoted(f.idp) }},
  wantAuthnRequestsSigned: {{ f.has_key }},
  signingCert: {{ self::list(f.certificates) }},
{%- if f.encrypts %}
  // samlify takes either encrypted assertions or plain ones; this is `--encrypt always`.
  isAssertionEncrypted: true,
{%- endif %}
  singleSignOnService: [
    { Binding: binding + "HTTP-Redirect", Location: {{ self::quoted(f.sso_url) }} },
    { Binding: binding + "HTTP-POST", Location: {{ self::quoted(f.sso_url) }} },
  ],
  singleLogoutService: [
    { Binding: binding + "HTTP-Redirect", Location: {{ self::quoted(f.slo_url) }} },
  ],
  wantLogoutRequestSigned: {{ f.has_key }},
  wantLogoutResponseSigned: {{ f.has_key }},
});

// sp.createLoginRequest(idp, "{% if f.posts() %}post{% else %}redirect{% endif %}") begins a sign-in,
// sp.parseLoginResponse(idp, "post", { body }) judges what comes back.
module.exports = { sp, idp, binding: "{% if f.posts() %}post{% else %}redirect{% endif %}" };
