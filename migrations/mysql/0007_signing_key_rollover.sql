-- Rollover of signing keys: next, active, retiring; and which SP is held at which key.

-- Counts up at every change of signing_keys: what is cached about them is cached under it.
CREATE TABLE IF NOT EXISTS signing_key_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
INSERT IGNORE INTO signing_key_version (id, version) VALUES (1, 1);

-- SPs that are held at one key whatever is active. A key that an SP is held at cannot be removed.
CREATE TABLE IF NOT EXISTS sp_signing_keys (
    sp_id  VARCHAR(32) NOT NULL PRIMARY KEY,
    key_id VARCHAR(32) NOT NULL,
    KEY sp_signing_keys_by_key (key_id),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE,
    FOREIGN KEY (key_id) REFERENCES signing_keys (id) ON DELETE RESTRICT
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
