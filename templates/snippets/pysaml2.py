from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

# For saml2.client.Saml2Client(config=saml2.config.SPConfig().load(CONFIG)).
CONFIG = {
    "entityid": {{ self::quoted(f.entity_id) }},
    "service": {
        "sp": {
            "endpoints": {
                "assertion_consumer_service": [({{ self::quoted(f.acs) }}, BINDING_HTTP_POST)],
{%- if let Some(slo) = f.slo %}
                "single_logout_service": [({{ self::quoted(slo) }}, BINDING_HTTP_REDIRECT)],
{%- endif %}
            },
            "name_id_policy_format": "{{ f.name_id.uri() }}",
            "name_id_format": ["{{ f.name_id.uri() }}"],
            "name_id_format_allow_create": True,
            "authn_requests_signed": {{ self::python(f.has_key) }},
            "logout_requests_signed": {{ self::python(f.has_key) }},
            "logout_responses_signed": {{ self::python(f.has_key) }},
            "want_assertions_signed": {{ self::python(f.assertion_signed()) }},
            "want_response_signed": {{ self::python(f.response_signed()) }},
            # In here, not beside "service": there it would go on signing with SHA-1.
            "signing_algorithm": SIG_RSA_SHA256,
            "digest_algorithm": DIGEST_SHA256,
            "allow_unsolicited": {{ self::python(f.unsolicited) }},
        },
    },
    # curl --fail --output doorward-metadata.xml {{ f.metadata_url }}
    "metadata": {"local": ["doorward-metadata.xml"]},
{%- if f.has_key %}
    "key_file": "sp-key.pem",
    "cert_file": "sp-cert.pem",
    "encryption_keypairs": [{"key_file": "sp-key.pem", "cert_file": "sp-cert.pem"}],
{%- endif %}
    # By the browser: only so do the other apps of this session hear of it as well.
    "preferred_binding": {"single_logout_service": [BINDING_HTTP_REDIRECT]},
    "accepted_time_diff": 60,
    "allow_unknown_attributes": True,
}

# For client.prepare_for_authenticate(binding=...).
REQUEST_BINDING = {% if f.posts() %}BINDING_HTTP_POST{% else %}BINDING_HTTP_REDIRECT{% endif %}
