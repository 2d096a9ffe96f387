-- What service providers are told about people, what they ask to be told, and what people agreed to.

CREATE TABLE IF NOT EXISTS sp_released_attributes (
    sp_id         VARCHAR(32) NOT NULL,
    position      BIGINT      NOT NULL,
    name          MEDIUMTEXT  NOT NULL,
    -- NULL together with the template: the name is a short one, such as mail.
    name_format   MEDIUMTEXT  NULL,
    friendly_name MEDIUMTEXT  NULL,
    template      MEDIUMTEXT  NULL,
    -- What several values are joined with into one; NULL keeps them apart.
    joined_with   MEDIUMTEXT  NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Whatever is not said here is the default; an SP without a row has all defaults. Times are in
-- milliseconds.
CREATE TABLE IF NOT EXISTS sp_release (
    sp_id              VARCHAR(32) NOT NULL PRIMARY KEY,
    amount             VARCHAR(16) NOT NULL,
    typed              BIGINT      NOT NULL,
    consent            BIGINT      NOT NULL,
    attribute_index    BIGINT      NULL,
    assertion_lifetime BIGINT      NULL,
    not_before_margin  BIGINT      NULL,
    session_lifetime   BIGINT      NULL,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- The RequestedAttribute elements of its metadata, one row for each value that is named or else
-- one for the attribute; a service that requests nothing has one row without a name.
CREATE TABLE IF NOT EXISTS sp_requested_attributes (
    sp_id         VARCHAR(32) NOT NULL,
    position      BIGINT      NOT NULL,
    service_index BIGINT      NOT NULL,
    is_default    BIGINT      NULL,
    -- Counts the attributes of a service, so that the rows of one are known to belong together.
    attribute     BIGINT      NOT NULL,
    name          MEDIUMTEXT  NULL,
    name_format   MEDIUMTEXT  NULL,
    is_required   BIGINT      NOT NULL,
    value         MEDIUMTEXT  NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- The entity attributes that something follows from: category, subject-id-req.
CREATE TABLE IF NOT EXISTS sp_entity_attributes (
    sp_id    VARCHAR(32) NOT NULL,
    position BIGINT      NOT NULL,
    kind     VARCHAR(32) NOT NULL,
    value    MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- What somebody agreed to let an SP know.
CREATE TABLE IF NOT EXISTS consents (
    user_id   VARCHAR(32) NOT NULL,
    sp_id     VARCHAR(32) NOT NULL,
    agreed_at BIGINT      NOT NULL,
    PRIMARY KEY (user_id, sp_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS consent_attributes (
    user_id     VARCHAR(32) NOT NULL,
    sp_id       VARCHAR(32) NOT NULL,
    position    BIGINT      NOT NULL,
    name        MEDIUMTEXT  NOT NULL,
    name_format MEDIUMTEXT  NOT NULL,
    -- What it was called when it was agreed to.
    label       MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (user_id, sp_id, position),
    FOREIGN KEY (user_id, sp_id) REFERENCES consents (user_id, sp_id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
