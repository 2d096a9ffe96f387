-- Users, roles and service providers. Instants are milliseconds since 1970, UTC; ids are random and
-- made by us. Names compare byte for byte, blanks at the end included; no one collation does that on
-- both servers, so MariaDB takes the one and MySQL (8.0.17 or later) the other (decision 45).
--
-- Each statement is committed by itself here. A migration that died half-way is run again, so each
-- statement finds out whether it was already done.

CREATE TABLE IF NOT EXISTS users (
    id                   VARCHAR(32)  NOT NULL PRIMARY KEY,
    name                 VARCHAR(255) NOT NULL,
    -- The name as it is compared: without case.
    name_key             VARCHAR(255) NOT NULL UNIQUE,
    display_name         VARCHAR(255) NOT NULL,
    email                VARCHAR(255) NULL,
    disabled             BIGINT       NOT NULL DEFAULT 0,
    must_change_password BIGINT       NOT NULL DEFAULT 0,
    password_hash        VARCHAR(255) NULL,
    created_at           BIGINT       NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS user_attributes (
    user_id  VARCHAR(32)  NOT NULL,
    position BIGINT       NOT NULL,
    name     VARCHAR(255) NOT NULL,
    value    MEDIUMTEXT   NOT NULL,
    PRIMARY KEY (user_id, position),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS roles (
    name        VARCHAR(255) NOT NULL PRIMARY KEY,
    description MEDIUMTEXT   NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Everybody holds it; a rule that names it opens its door to all.
INSERT IGNORE INTO roles (name, description) VALUES ('everyone', 'Everybody who can sign in (built in)');

CREATE TABLE IF NOT EXISTS user_roles (
    user_id   VARCHAR(32)  NOT NULL,
    role_name VARCHAR(255) NOT NULL,
    PRIMARY KEY (user_id, role_name),
    KEY user_roles_by_role (role_name),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (role_name) REFERENCES roles (name) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS service_providers (
    id                      VARCHAR(32)   NOT NULL PRIMARY KEY,
    -- Counts up at every change of the registration.
    version                 BIGINT        NOT NULL,
    name                    VARCHAR(255)  NOT NULL UNIQUE,
    entity_id               VARCHAR(1024) NOT NULL,
    -- SHA-256 of the entityID in hex: 1,024 characters are too long for an index everywhere.
    entity_key              VARCHAR(64)   NOT NULL UNIQUE,
    enabled                 BIGINT        NOT NULL,
    rule_quantifier         VARCHAR(8)    NOT NULL CHECK (rule_quantifier IN ('any', 'all')),
    display_name            VARCHAR(255)  NULL,
    home_url                MEDIUMTEXT    NULL,
    contact                 MEDIUMTEXT    NULL,
    sign                    VARCHAR(16)   NOT NULL,
    require_signed_requests BIGINT        NOT NULL,
    denied                  VARCHAR(16)   NOT NULL,
    name_id                 VARCHAR(32)   NULL,
    -- Whether attributes or roles were named for release; an empty list is not the default list.
    names_attributes        BIGINT        NOT NULL,
    names_roles             BIGINT        NOT NULL,
    allow_idp_initiated     BIGINT        NOT NULL,
    allow_http              BIGINT        NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- The rule. A role that a rule names cannot be removed.
CREATE TABLE IF NOT EXISTS sp_required_roles (
    sp_id     VARCHAR(32)  NOT NULL,
    role_name VARCHAR(255) NOT NULL,
    PRIMARY KEY (sp_id, role_name),
    KEY sp_required_roles_by_role (role_name),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE,
    FOREIGN KEY (role_name) REFERENCES roles (name) ON DELETE RESTRICT
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS sp_acs (
    sp_id      VARCHAR(32) NOT NULL,
    position   BIGINT      NOT NULL,
    binding    VARCHAR(16) NOT NULL,
    location   MEDIUMTEXT  NOT NULL,
    acs_index  BIGINT      NOT NULL,
    is_default BIGINT      NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Signing certificates, and public keys that came without one; DER.
CREATE TABLE IF NOT EXISTS sp_keys (
    sp_id    VARCHAR(32) NOT NULL,
    position BIGINT      NOT NULL,
    kind     VARCHAR(16) NOT NULL,
    der      MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS sp_released_roles (
    sp_id     VARCHAR(32)  NOT NULL,
    position  BIGINT       NOT NULL,
    role_name VARCHAR(255) NOT NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS sp_name_id_formats (
    sp_id    VARCHAR(32) NOT NULL,
    position BIGINT      NOT NULL,
    uri      MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS sp_metadata (
    sp_id    VARCHAR(32) NOT NULL PRIMARY KEY,
    document MEDIUMTEXT  NOT NULL,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
