-- Which programs can use this schema (decision 44). Each migration that takes something away that
-- the version before needs writes down here which migration a program has to know at least, and
-- which version was the first to know it.

CREATE TABLE IF NOT EXISTS schema_compatibility (
    id               BIGINT      NOT NULL PRIMARY KEY,
    oldest_migration BIGINT      NOT NULL,
    oldest_program   VARCHAR(32) NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
INSERT IGNORE INTO schema_compatibility (id, oldest_migration, oldest_program) VALUES (1, 10, '0.1.0');
