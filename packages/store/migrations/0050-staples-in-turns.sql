-- Who wants a staple takes a turn from the beginning: two who held rows of the table and then both wanted all of it waited for each other.
CREATE OR REPLACE FUNCTION ngome.want_staple(which bytea, certificates text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('ngome.want_staple', 0));
  DELETE FROM ngome.ocsp_staples WHERE wanted_at < now() - interval '7 days';
  -- Another chain may prove what the one before did not.
  UPDATE ngome.ocsp_staples SET wanted_at = now(), chain = CASE WHEN failure = 'chain_untrusted' THEN certificates ELSE chain END WHERE leaf = which;
  IF FOUND THEN
    RETURN true;
  END IF;
  IF (SELECT count(*) FROM ngome.ocsp_staples) >= 16 THEN
    DELETE FROM ngome.ocsp_staples WHERE leaf = (
      SELECT leaf FROM ngome.ocsp_staples WHERE response IS NULL ORDER BY wanted_at LIMIT 1
    );
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END IF;
  -- At once, whatever time the dispatcher's machine has.
  INSERT INTO ngome.ocsp_staples (leaf, chain, wanted_at, next_ask_at) VALUES (which, certificates, now(), to_timestamp(0))
  ON CONFLICT (leaf) DO NOTHING;
  RETURN true;
END $$;
