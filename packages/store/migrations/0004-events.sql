-- Events and audit leaves, a partition for each day (UTC), and a default partition so that none is ever refused.

CREATE TABLE ngome.events (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^evt_[0-7][0-9a-z]{25}$'),
  type text COLLATE "C" NOT NULL CHECK (length(type) <= 64),
  severity text COLLATE "C" NOT NULL CHECK (severity IN ('info', 'notice', 'warning', 'alarm')),
  at timestamptz NOT NULL,
  process text COLLATE "C" NOT NULL CHECK (process IN ('gateway', 'custodian', 'dispatcher', 'operator')),
  merchant text COLLATE "C",
  world text COLLATE "C" CHECK (world IN ('test', 'live')),
  data jsonb NOT NULL,
  -- Whoever follows the events reads those of transactions that are certainly over, in this order; a clock or a
  -- sequence would let one that commits late slip in behind the reader.
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_in_order ON ngome.events (xact, id);
CREATE TABLE ngome.events_default PARTITION OF ngome.events DEFAULT;
CALL ngome.classify('ngome.events', 'internal', '{id,type,severity,at,process,merchant,world,data,xact}');
ALTER TABLE ngome.events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- An event may also be of no tenant or of no world, never of another's.
CREATE POLICY tenant_writes ON ngome.events FOR INSERT TO ngome_gateway, ngome_dispatcher, ngome_operator
  WITH CHECK ((merchant IS NULL OR merchant = current_setting('ngome.merchant', true))
    AND (world IS NULL OR world = current_setting('ngome.world', true)));
CREATE POLICY operator_reads ON ngome.events FOR SELECT TO ngome_operator USING (true);
CREATE POLICY auditor_reads ON ngome.events FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT (id, type, severity, at, process, merchant, world, data) ON ngome.events
  TO ngome_gateway, ngome_dispatcher, ngome_operator;
GRANT SELECT ON ngome.events TO ngome_operator;

CREATE TABLE ngome.audit_leaves (
  event text COLLATE "C" NOT NULL CHECK (event ~ '^evt_[0-7][0-9a-z]{25}$'),
  at timestamptz NOT NULL,
  leaf bytea NOT NULL CHECK (length(leaf) = 32),
  PRIMARY KEY (event, at)
) PARTITION BY RANGE (at);
CREATE TABLE ngome.audit_leaves_default PARTITION OF ngome.audit_leaves DEFAULT;
CALL ngome.classify('ngome.audit_leaves', 'internal', '{event,at,leaf}');
-- A leaf is a digest and belongs to the log, not to a tenant; those who append cannot read.
ALTER TABLE ngome.audit_leaves ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY appends ON ngome.audit_leaves FOR INSERT TO ngome_gateway, ngome_dispatcher, ngome_operator
  WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.audit_leaves FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT ON ngome.audit_leaves TO ngome_gateway, ngome_dispatcher, ngome_operator;

CREATE FUNCTION ngome.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'NG003';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON ngome.events FOR EACH ROW EXECUTE FUNCTION ngome.refuse_change();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON ngome.audit_leaves FOR EACH ROW EXECUTE FUNCTION ngome.refuse_change();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON ngome.events FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON ngome.audit_leaves FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();

-- Makes the partitions of today and of the days ahead. Rows that reached the default partition, because nobody called
-- this in time, stay there: they are found all the same, and moving them would be a change of the log.
CREATE FUNCTION ngome.ensure_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  parent text;
  part text;
  first_at timestamptz;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ngome.ensure_partitions'));
  FOREACH parent IN ARRAY ARRAY['events', 'audit_leaves'] LOOP
    FOR ahead IN 0..least(days_ahead, 31) LOOP
      part := parent || '_' || to_char(today + ahead, 'YYYYMMDD');
      CONTINUE WHEN to_regclass('ngome.' || part) IS NOT NULL;
      first_at := (today + ahead)::timestamp AT TIME ZONE 'UTC';
      BEGIN
        EXECUTE format('CREATE TABLE ngome.%I PARTITION OF ngome.%I FOR VALUES FROM (%L) TO (%L)',
          part, parent, first_at, (today + ahead + 1)::timestamp AT TIME ZONE 'UTC');
        made := made + 1;
      EXCEPTION WHEN check_violation THEN
        NULL; -- The default partition holds rows of that day already.
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION ngome.ensure_partitions TO ngome_dispatcher, ngome_operator;
SELECT ngome.ensure_partitions(7);
