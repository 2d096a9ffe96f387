-- Keys that SPs encrypt to follow one another as signing keys do: the columns stand in their table from
-- the start (0005), since a column cannot be added twice.
DO 0;
