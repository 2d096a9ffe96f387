<?php

$metadata[{{ self::php(f.idp) }}] = [
    'SingleSignOnService' => [
        [
            'Binding' => 'urn:oasis:names:tc:SAML:2.0:bindings:{% if f.posts() %}HTTP-POST{% else %}HTTP-Redirect{% endif %}',
            'Location' => {{ self::php(f.sso_url) }},
        ],
    ],
    'SingleLogoutService' => [
        [
            'Binding' => 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
            'Location' => {{ self::php(f.slo_url) }},
        ],
    ],
    'keys' => [
{%- for certificate in f.certificates %}
        [
            'type' => 'X509Certificate',
            'signing' => true,
            'encryption' => false,
            'X509Certificate' => '{{ certificate }}',
        ],
{%- endfor %}
    ],
];
