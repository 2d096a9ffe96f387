-- Which programs can use this schema (decision 44). Each migration that takes something away that
-- the version before needs writes down here which migration a program has to know at least, and
-- which version was the first to know it.

CREATE TABLE schema_compatibility (
    id               BIGINT      NOT NULL PRIMARY KEY,
    oldest_migration BIGINT      NOT NULL,
    oldest_program   VARCHAR(32) NOT NULL
);
INSERT INTO schema_compatibility (id, oldest_migration, oldest_program) VALUES (1, 10, '0.1.0');
