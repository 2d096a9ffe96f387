-- What service providers are told about people, what they ask to be told, and what people agreed to.

CREATE TABLE sp_released_attributes (
    sp_id         VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position      BIGINT                  NOT NULL,
    name          TEXT COLLATE "C"        NOT NULL,
    -- NULL together with the template: the name is a short one, such as mail.
    name_format   TEXT COLLATE "C"        NULL,
    friendly_name TEXT COLLATE "C"        NULL,
    template      TEXT COLLATE "C"        NULL,
    -- What several values are joined with into one; NULL keeps them apart.
    joined_with   TEXT COLLATE "C"        NULL,
    PRIMARY KEY (sp_id, position)
);
INSERT INTO sp_released_attributes (sp_id, position, name)
    SELECT sp_id, position, name FROM sp_attributes;
DROP TABLE sp_attributes;

-- Whatever is not said here is the default; an SP without a row has all defaults. Times are in
-- milliseconds.
CREATE TABLE sp_release (
    sp_id              VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY
        REFERENCES service_providers (id) ON DELETE CASCADE,
    amount             VARCHAR(16) COLLATE "C" NOT NULL,
    typed              BIGINT                  NOT NULL,
    consent            BIGINT                  NOT NULL,
    attribute_index    BIGINT                  NULL,
    assertion_lifetime BIGINT                  NULL,
    not_before_margin  BIGINT                  NULL,
    session_lifetime   BIGINT                  NULL
);

-- The RequestedAttribute elements of its metadata, one row for each value that is named or else
-- one for the attribute; a service that requests nothing has one row without a name.
CREATE TABLE sp_requested_attributes (
    sp_id         VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position      BIGINT                  NOT NULL,
    service_index BIGINT                  NOT NULL,
    is_default    BIGINT                  NULL,
    -- Counts the attributes of a service, so that the rows of one are known to belong together.
    attribute     BIGINT                  NOT NULL,
    name          TEXT COLLATE "C"        NULL,
    name_format   TEXT COLLATE "C"        NULL,
    is_required   BIGINT                  NOT NULL,
    value         TEXT COLLATE "C"        NULL,
    PRIMARY KEY (sp_id, position)
);

-- The entity attributes that something follows from: category, subject-id-req.
CREATE TABLE sp_entity_attributes (
    sp_id    VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position BIGINT                  NOT NULL,
    kind     VARCHAR(32) COLLATE "C" NOT NULL,
    value    TEXT COLLATE "C"        NOT NULL,
    PRIMARY KEY (sp_id, position)
);

-- What somebody agreed to let an SP know.
CREATE TABLE consents (
    user_id   VARCHAR(32) COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sp_id     VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    agreed_at BIGINT                  NOT NULL,
    PRIMARY KEY (user_id, sp_id)
);

CREATE TABLE consent_attributes (
    user_id     VARCHAR(32) COLLATE "C" NOT NULL,
    sp_id       VARCHAR(32) COLLATE "C" NOT NULL,
    position    BIGINT                  NOT NULL,
    name        TEXT COLLATE "C"        NOT NULL,
    name_format TEXT COLLATE "C"        NOT NULL,
    -- What it was called when it was agreed to.
    label       TEXT COLLATE "C"        NOT NULL,
    PRIMARY KEY (user_id, sp_id, position),
    FOREIGN KEY (user_id, sp_id) REFERENCES consents (user_id, sp_id) ON DELETE CASCADE
);
