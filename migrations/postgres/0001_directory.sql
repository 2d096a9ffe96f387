-- Users, roles and service providers. Instants are milliseconds since 1970, UTC; names compare
-- byte for byte (collation "C", whatever the database's own is); ids are random and made by us.

CREATE TABLE users (
    id                   VARCHAR(32) COLLATE "C"  NOT NULL PRIMARY KEY,
    name                 VARCHAR(255) COLLATE "C" NOT NULL,
    -- The name as it is compared: without case.
    name_key             VARCHAR(255) COLLATE "C" NOT NULL UNIQUE,
    display_name         VARCHAR(255) COLLATE "C" NOT NULL,
    email                VARCHAR(255) COLLATE "C" NULL,
    disabled             BIGINT                   NOT NULL DEFAULT 0,
    must_change_password BIGINT                   NOT NULL DEFAULT 0,
    password_hash        VARCHAR(255) COLLATE "C" NULL,
    created_at           BIGINT                   NOT NULL
);

CREATE TABLE user_attributes (
    user_id  VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position BIGINT                   NOT NULL,
    name     VARCHAR(255) COLLATE "C" NOT NULL,
    value    TEXT COLLATE "C"         NOT NULL,
    PRIMARY KEY (user_id, position)
);

CREATE TABLE roles (
    name        VARCHAR(255) COLLATE "C" NOT NULL PRIMARY KEY,
    description TEXT COLLATE "C"         NOT NULL
);

-- Everybody holds it; a rule that names it opens its door to all.
INSERT INTO roles (name, description) VALUES ('everyone', 'Everybody who can sign in (built in)');

CREATE TABLE user_roles (
    user_id   VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_name VARCHAR(255) COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role_name)
);
CREATE INDEX user_roles_by_role ON user_roles (role_name);

CREATE TABLE service_providers (
    id                      VARCHAR(32) COLLATE "C"   NOT NULL PRIMARY KEY,
    -- Counts up at every change of the registration.
    version                 BIGINT                    NOT NULL,
    name                    VARCHAR(255) COLLATE "C"  NOT NULL UNIQUE,
    entity_id               VARCHAR(1024) COLLATE "C" NOT NULL,
    -- SHA-256 of the entityID in hex: 1,024 characters are too long for an index everywhere.
    entity_key              VARCHAR(64) COLLATE "C"   NOT NULL UNIQUE,
    enabled                 BIGINT                    NOT NULL,
    rule_quantifier         VARCHAR(8) COLLATE "C"    NOT NULL CHECK (rule_quantifier IN ('any', 'all')),
    display_name            VARCHAR(255) COLLATE "C"  NULL,
    home_url                TEXT COLLATE "C"          NULL,
    contact                 TEXT COLLATE "C"          NULL,
    sign                    VARCHAR(16) COLLATE "C"   NOT NULL,
    require_signed_requests BIGINT                    NOT NULL,
    denied                  VARCHAR(16) COLLATE "C"   NOT NULL,
    name_id                 VARCHAR(32) COLLATE "C"   NULL,
    -- Whether attributes or roles were named for release; an empty list is not the default list.
    names_attributes        BIGINT                    NOT NULL,
    names_roles             BIGINT                    NOT NULL,
    allow_idp_initiated     BIGINT                    NOT NULL,
    allow_http              BIGINT                    NOT NULL
);

-- The rule. A role that a rule names cannot be removed.
CREATE TABLE sp_required_roles (
    sp_id     VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    role_name VARCHAR(255) COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (sp_id, role_name)
);
CREATE INDEX sp_required_roles_by_role ON sp_required_roles (role_name);

CREATE TABLE sp_acs (
    sp_id      VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position   BIGINT                  NOT NULL,
    binding    VARCHAR(16) COLLATE "C" NOT NULL,
    location   TEXT COLLATE "C"        NOT NULL,
    acs_index  BIGINT                  NOT NULL,
    is_default BIGINT                  NULL,
    PRIMARY KEY (sp_id, position)
);

-- Signing certificates, and public keys that came without one; DER.
CREATE TABLE sp_keys (
    sp_id    VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position BIGINT                  NOT NULL,
    kind     VARCHAR(16) COLLATE "C" NOT NULL,
    der      BYTEA                   NOT NULL,
    PRIMARY KEY (sp_id, position)
);

CREATE TABLE sp_attributes (
    sp_id    VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position BIGINT                   NOT NULL,
    name     VARCHAR(255) COLLATE "C" NOT NULL,
    PRIMARY KEY (sp_id, position)
);

CREATE TABLE sp_released_roles (
    sp_id     VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position  BIGINT                   NOT NULL,
    role_name VARCHAR(255) COLLATE "C" NOT NULL,
    PRIMARY KEY (sp_id, position)
);

CREATE TABLE sp_name_id_formats (
    sp_id    VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position BIGINT                  NOT NULL,
    uri      TEXT COLLATE "C"        NOT NULL,
    PRIMARY KEY (sp_id, position)
);

CREATE TABLE sp_metadata (
    sp_id    VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    document TEXT COLLATE "C"        NOT NULL
);
