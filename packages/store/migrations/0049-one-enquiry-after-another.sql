-- Enquiries about an attempt follow one another, each making the next once, however often a job is run: jobs that are given out twice
-- would else become two for ever.
ALTER TABLE ngome.attempts ADD COLUMN enquiry_turn integer NOT NULL DEFAULT 0 CHECK (enquiry_turn >= 0);
CALL ngome.classify('ngome.attempts', 'internal', '{enquiry_turn}');
GRANT UPDATE (enquiry_turn) ON ngome.attempts TO ngome_dispatcher;

CREATE FUNCTION ngome.guard_enquiry_turn() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.enquiry_turn NOT IN (OLD.enquiry_turn, OLD.enquiry_turn + 1) THEN
    RAISE EXCEPTION 'turns come one after another' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_enquiry_turn BEFORE UPDATE ON ngome.attempts FOR EACH ROW EXECUTE FUNCTION ngome.guard_enquiry_turn();
