-- People whose roles were withdrawn, until the apps that would not let them in any more have been told.
-- Whoever changes something tells at once; what is left here is of somebody who was killed over it.
CREATE TABLE untold (
    id      VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY,
    user_id VARCHAR(32) COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    since   BIGINT      NOT NULL
);
CREATE INDEX untold_by_user ON untold (user_id);
CREATE INDEX untold_by_time ON untold (since);
