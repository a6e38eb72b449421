-- How often an attempt was really sent, whoever took it in hand how often; and which hints were judged.

-- What is there already was sent once at least, where it was sent at all.
ALTER TABLE ngome.attempts ADD COLUMN sendings integer NOT NULL DEFAULT 1 CHECK (sendings >= 0);
ALTER TABLE ngome.attempts ALTER COLUMN sendings SET DEFAULT 0;
CALL ngome.classify('ngome.attempts', 'internal', '{sendings}');
GRANT UPDATE (sendings) ON ngome.attempts TO ngome_dispatcher;

CREATE FUNCTION ngome.guard_sendings() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.sendings < OLD.sendings THEN
    RAISE EXCEPTION 'what was sent stays sent' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_sendings BEFORE UPDATE ON ngome.attempts FOR EACH ROW EXECUTE FUNCTION ngome.guard_sendings();

ALTER TABLE ngome.callback_hints ADD COLUMN judged_at timestamptz;
CALL ngome.classify('ngome.callback_hints', 'internal', '{judged_at}');
GRANT UPDATE (judged_at) ON ngome.callback_hints TO ngome_dispatcher;
