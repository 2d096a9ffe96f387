-- Sessions are cleaned up by when they were last used and by when they began: the two indexes stand
-- in the table from the start (0002).
DO 0;
