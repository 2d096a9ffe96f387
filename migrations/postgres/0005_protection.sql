-- How what goes to an SP is encrypted and signed, and our own keys for what is encrypted to us.

-- What the administrator decided; no row means the defaults.
CREATE TABLE sp_protection (
    sp_id           VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    encrypt         VARCHAR(16) COLLATE "C" NOT NULL,
    data_encryption VARCHAR(32) COLLATE "C" NULL,
    signature       VARCHAR(32) COLLATE "C" NULL
);

-- Keys that may be encrypted to; DER. Those without a use in the metadata are not named for it.
CREATE TABLE sp_encryption_keys (
    sp_id             VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position          BIGINT                  NOT NULL,
    kind              VARCHAR(16) COLLATE "C" NOT NULL,
    is_for_encryption BIGINT                  NOT NULL,
    der               BYTEA                   NOT NULL,
    PRIMARY KEY (sp_id, position)
);

-- md:EncryptionMethod of each of these keys, the preferred first.
CREATE TABLE sp_encryption_methods (
    sp_id        VARCHAR(32) COLLATE "C" NOT NULL,
    key_position BIGINT                  NOT NULL,
    position     BIGINT                  NOT NULL,
    algorithm    TEXT COLLATE "C"        NOT NULL,
    digest       TEXT COLLATE "C"        NULL,
    mgf          TEXT COLLATE "C"        NULL,
    PRIMARY KEY (sp_id, key_position, position),
    FOREIGN KEY (sp_id, key_position) REFERENCES sp_encryption_keys (sp_id, position) ON DELETE CASCADE
);

-- alg:SigningMethod and alg:DigestMethod, each in its order.
CREATE TABLE sp_algorithms (
    sp_id        VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position     BIGINT                  NOT NULL,
    kind         VARCHAR(16) COLLATE "C" NOT NULL,
    algorithm    TEXT COLLATE "C"        NOT NULL,
    minimum_bits BIGINT                  NULL,
    maximum_bits BIGINT                  NULL,
    PRIMARY KEY (sp_id, position)
);

-- Our own keys that SPs encrypt to. The current one is published; all of them decrypt.
CREATE TABLE encryption_keys (
    id                 VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY,
    -- 1 for the current key, NULL for the others: there is one at most.
    current_slot       BIGINT                  NULL UNIQUE,
    algorithm          VARCHAR(32) COLLATE "C" NOT NULL,
    certificate        BYTEA                   NOT NULL,
    sealed_private_key BYTEA                   NOT NULL,
    created_at         BIGINT                  NOT NULL,
    not_after          BIGINT                  NOT NULL
);
