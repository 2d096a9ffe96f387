-- Sources of metadata that describe many service providers, and which registration comes from
-- which.

CREATE TABLE IF NOT EXISTS metadata_sources (
    id              VARCHAR(32) NOT NULL PRIMARY KEY,
    name            VARCHAR(64) NOT NULL UNIQUE,
    kind            VARCHAR(8)  NOT NULL CHECK (kind IN ('file', 'url', 'mdq')),
    location        MEDIUMTEXT  NOT NULL,
    rule_quantifier VARCHAR(8)  NOT NULL CHECK (rule_quantifier IN ('any', 'all')),
    added_at        BIGINT      NOT NULL,
    -- What the next conditional request says (RFC 9110, section 13).
    etag            MEDIUMTEXT  NULL,
    last_modified   MEDIUMTEXT  NULL,
    -- Until when the last good copy may be used; NULL is a file without a pinned key, or MDQ, whose
    -- registrations have each their own.
    valid_until     BIGINT      NULL,
    refreshed_at    BIGINT      NULL,
    next_at         BIGINT      NOT NULL,
    failures        BIGINT      NOT NULL,
    failure         MEDIUMTEXT  NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- The certificates whose keys may sign a source; only the keys count.
CREATE TABLE IF NOT EXISTS source_keys (
    source_id   VARCHAR(32) NOT NULL,
    position    BIGINT      NOT NULL,
    certificate MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (source_id, position),
    FOREIGN KEY (source_id) REFERENCES metadata_sources (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- The rule under which a source's registrations stand. It is copied to each of them in the
-- transaction that changes it.
CREATE TABLE IF NOT EXISTS source_required_roles (
    source_id VARCHAR(32)  NOT NULL,
    role_name VARCHAR(255) NOT NULL,
    PRIMARY KEY (source_id, role_name),
    KEY source_required_roles_by_role (role_name),
    FOREIGN KEY (source_id) REFERENCES metadata_sources (id) ON DELETE CASCADE,
    FOREIGN KEY (role_name) REFERENCES roles (name) ON DELETE RESTRICT
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS sp_sources (
    sp_id         VARCHAR(32) NOT NULL PRIMARY KEY,
    source_id     VARCHAR(32) NOT NULL,
    -- 1: the administrator gave it a rule of its own.
    own_rule      BIGINT      NOT NULL,
    -- 0: the source does not list it any more, so its door is shut.
    listed        BIGINT      NOT NULL,
    -- What its own metadata says; the source's own counts beside it.
    valid_until   BIGINT      NULL,
    -- SHA-256 of its metadata in hex: what is the same is not written again.
    digest        VARCHAR(64) NOT NULL,
    -- Of MDQ, where each registration is fetched by itself.
    etag          MEDIUMTEXT  NULL,
    last_modified MEDIUMTEXT  NULL,
    next_at       BIGINT      NULL,
    failures      BIGINT      NOT NULL,
    KEY sp_sources_by_source (source_id),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE,
    FOREIGN KEY (source_id) REFERENCES metadata_sources (id) ON DELETE RESTRICT
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

INSERT IGNORE INTO leases (name, held_until) VALUES ('metadata', 0);
