<?php

$config = [
    'admin' => ['core:AdminPassword'],

    {{ self::php(self.source) }} => [
        'saml:SP',
        'entityID' => {{ self::php(f.entity_id) }},
        'idp' => {{ self::php(f.idp) }},
        'NameIDPolicy' => [
            'Format' => '{{ f.name_id.uri() }}',
            'AllowCreate' => true,
        ],
        'acs.Bindings' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'],
        'WantAssertionsSigned' => {{ f.assertion_signed() }},
        'validate.logout' => true,
{%- if f.has_key %}
        // In the folder that certdir of config.php names.
        'privatekey' => 'sp-key.pem',
        'certificate' => 'sp-cert.pem',
        'sign.authnrequest' => true,
        'sign.logout' => true,
        'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
{%- endif %}
    ],
];
