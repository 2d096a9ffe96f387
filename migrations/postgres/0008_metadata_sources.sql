-- Sources of metadata that describe many service providers, and which registration comes from
-- which.

CREATE TABLE metadata_sources (
    id              VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY,
    name            VARCHAR(64) COLLATE "C" NOT NULL UNIQUE,
    kind            VARCHAR(8) COLLATE "C"  NOT NULL CHECK (kind IN ('file', 'url', 'mdq')),
    location        TEXT COLLATE "C"        NOT NULL,
    rule_quantifier VARCHAR(8) COLLATE "C"  NOT NULL CHECK (rule_quantifier IN ('any', 'all')),
    added_at        BIGINT                  NOT NULL,
    -- What the next conditional request says (RFC 9110, section 13).
    etag            TEXT COLLATE "C"        NULL,
    last_modified   TEXT COLLATE "C"        NULL,
    -- Until when the last good copy may be used; NULL is a file without a pinned key, or MDQ, whose
    -- registrations have each their own.
    valid_until     BIGINT                  NULL,
    refreshed_at    BIGINT                  NULL,
    next_at         BIGINT                  NOT NULL,
    failures        BIGINT                  NOT NULL,
    failure         TEXT COLLATE "C"        NULL
);

-- The certificates whose keys may sign a source; only the keys count.
CREATE TABLE source_keys (
    source_id   VARCHAR(32) COLLATE "C" NOT NULL REFERENCES metadata_sources (id) ON DELETE CASCADE,
    position    BIGINT                  NOT NULL,
    certificate BYTEA                   NOT NULL,
    PRIMARY KEY (source_id, position)
);

-- The rule under which a source's registrations stand. It is copied to each of them in the
-- transaction that changes it.
CREATE TABLE source_required_roles (
    source_id VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES metadata_sources (id) ON DELETE CASCADE,
    role_name VARCHAR(255) COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (source_id, role_name)
);
CREATE INDEX source_required_roles_by_role ON source_required_roles (role_name);

CREATE TABLE sp_sources (
    sp_id         VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    source_id     VARCHAR(32) COLLATE "C" NOT NULL REFERENCES metadata_sources (id) ON DELETE RESTRICT,
    -- 1: the administrator gave it a rule of its own.
    own_rule      BIGINT                  NOT NULL,
    -- 0: the source does not list it any more, so its door is shut.
    listed        BIGINT                  NOT NULL,
    -- What its own metadata says; the source's own counts beside it.
    valid_until   BIGINT                  NULL,
    -- SHA-256 of its metadata in hex: what is the same is not written again.
    digest        VARCHAR(64) COLLATE "C" NOT NULL,
    -- Of MDQ, where each registration is fetched by itself.
    etag          TEXT COLLATE "C"        NULL,
    last_modified TEXT COLLATE "C"        NULL,
    next_at       BIGINT                  NULL,
    failures      BIGINT                  NOT NULL
);
CREATE INDEX sp_sources_by_source ON sp_sources (source_id);

INSERT INTO leases (name, held_until) VALUES ('metadata', 0);
