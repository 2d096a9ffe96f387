-- How what goes to an SP is encrypted and signed, and our own keys for what is encrypted to us.

-- What the administrator decided; no row means the defaults.
CREATE TABLE IF NOT EXISTS sp_protection (
    sp_id           VARCHAR(32) NOT NULL PRIMARY KEY,
    encrypt         VARCHAR(16) NOT NULL,
    data_encryption VARCHAR(32) NULL,
    signature       VARCHAR(32) NULL,
    -- Whether an SP cannot read an EncryptedID in a LogoutRequest (1).
    plain_logout    BIGINT      NOT NULL DEFAULT 0,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Keys that may be encrypted to; DER. Those without a use in the metadata are not named for it.
CREATE TABLE IF NOT EXISTS sp_encryption_keys (
    sp_id             VARCHAR(32) NOT NULL,
    position          BIGINT      NOT NULL,
    kind              VARCHAR(16) NOT NULL,
    is_for_encryption BIGINT      NOT NULL,
    der               MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- md:EncryptionMethod of each of these keys, the preferred first.
CREATE TABLE IF NOT EXISTS sp_encryption_methods (
    sp_id        VARCHAR(32) NOT NULL,
    key_position BIGINT      NOT NULL,
    position     BIGINT      NOT NULL,
    algorithm    MEDIUMTEXT  NOT NULL,
    digest       MEDIUMTEXT  NULL,
    mgf          MEDIUMTEXT  NULL,
    PRIMARY KEY (sp_id, key_position, position),
    FOREIGN KEY (sp_id, key_position) REFERENCES sp_encryption_keys (sp_id, position) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- alg:SigningMethod and alg:DigestMethod, each in its order.
CREATE TABLE IF NOT EXISTS sp_algorithms (
    sp_id        VARCHAR(32) NOT NULL,
    position     BIGINT      NOT NULL,
    kind         VARCHAR(16) NOT NULL,
    algorithm    MEDIUMTEXT  NOT NULL,
    minimum_bits BIGINT      NULL,
    maximum_bits BIGINT      NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Our own keys that SPs encrypt to. The current one is published; all of them decrypt.
CREATE TABLE IF NOT EXISTS encryption_keys (
    id                 VARCHAR(32) NOT NULL PRIMARY KEY,
    -- 1 for the current key, NULL for the others: there is one at most.
    current_slot       BIGINT      NULL UNIQUE,
    state              VARCHAR(16) NOT NULL DEFAULT 'active',
    state_since        BIGINT      NOT NULL DEFAULT 0,
    algorithm          VARCHAR(32) NOT NULL,
    certificate        MEDIUMBLOB  NOT NULL,
    sealed_private_key MEDIUMBLOB  NOT NULL,
    created_at         BIGINT      NOT NULL,
    not_after          BIGINT      NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
