-- Payments lie in partitions by time, a year each (ADR 41). Ids hold the time after their prefix, so that the parts of a
-- direction are ranges of ids: whoever looks for an id, or lists a direction by its newest, reads only the parts that can hold it.

-- Where the ids of a moment begin.
CREATE FUNCTION ngome.first_id_of(prefix text, at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$ SELECT left(ngome.id_of(prefix, at, ''), 14) $$;

-- When an id of a payment was made.
CREATE FUNCTION ngome.time_of_id(id text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_timestamp(sum((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 4 + n, 1)) - 1) * 32::numeric ^ (10 - n)) / 1000)
  FROM generate_series(1, 10) n
$$;

-- Makes the partitions of the years from one moment to another that are not there yet. One whose time the default partition holds
-- rows of already is not made: they are found there all the same. Nobody waits for it for long, and it for nobody: what is not
-- made now is made in an hour.
CREATE FUNCTION ngome.make_payment_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
  prefix text;
  part text;
  begins timestamp;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ngome.make_payment_partitions'));
  FOR begins IN SELECT generate_series(date_trunc('year', since AT TIME ZONE 'UTC'), until AT TIME ZONE 'UTC', interval '1 year') LOOP
    FOREACH prefix IN ARRAY ARRAY['pay', 'pyt', 'rfd'] LOOP
      part := format('payments_%s_%s', prefix, to_char(begins, 'YYYY'));
      CONTINUE WHEN to_regclass('ngome.' || part) IS NOT NULL;
      BEGIN
        EXECUTE format('CREATE TABLE ngome.%I PARTITION OF ngome.payments FOR VALUES FROM (%L) TO (%L)', part,
          ngome.first_id_of(prefix, begins AT TIME ZONE 'UTC'), ngome.first_id_of(prefix, (begins + interval '1 year') AT TIME ZONE 'UTC'));
        -- Rules for each row come with the partition; those for a statement are of the table that it names.
        EXECUTE format('CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.%I FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal()', part);
        made := made + 1;
      EXCEPTION WHEN check_violation OR lock_not_available THEN
        NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

-- What the dispatcher does every hour. Gives back for how many whole days from now all partitions are there.
CREATE FUNCTION ngome.keep_payment_partitions() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today timestamp := now() AT TIME ZONE 'UTC';
  missing timestamp;
BEGIN
  PERFORM ngome.make_payment_partitions(now(), now() + interval '1 year');
  SELECT coalesce(min(year), today + interval '1 year') INTO missing
    FROM generate_series(date_trunc('year', today), today + interval '1 year', interval '1 year') year, unnest(ARRAY['pay', 'pyt', 'rfd']) prefix
    WHERE to_regclass(format('ngome.payments_%s_%s', prefix, to_char(year, 'YYYY'))) IS NULL;
  RETURN greatest(0, extract(day FROM missing - today)::integer);
END $$;
GRANT EXECUTE ON FUNCTION ngome.keep_payment_partitions TO ngome_dispatcher;

-- Builds the table anew with all that stands on it, whichever migrations put it there: read from the catalog, so that nothing is forgotten.
DO $$
DECLARE
  rules text[];
  rule text;
BEGIN
  SELECT array_agg(statement ORDER BY step, statement) INTO rules FROM (
    -- Keys, indexes, references both ways; LIKE takes columns, defaults and checks over.
    SELECT 1 AS step, format('ALTER TABLE ngome.payments ADD CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid)) AS statement
      FROM pg_constraint c WHERE c.conrelid = 'ngome.payments'::regclass AND c.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 2, pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = 'ngome.payments'::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)
    UNION ALL
    SELECT 3, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
      FROM pg_constraint c WHERE c.contype = 'f' AND 'ngome.payments'::regclass IN (c.conrelid, c.confrelid)
    UNION ALL
    SELECT 4, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = 'ngome.payments'::regclass AND NOT t.tgisinternal
    UNION ALL
    SELECT 5, format('CREATE POLICY %I ON ngome.payments AS %s FOR %s TO %s', p.policyname, p.permissive, p.cmd,
        (SELECT string_agg(quote_ident(r::text), ', ') FROM unnest(p.roles) r))
        || coalesce(' USING (' || p.qual || ')', '') || coalesce(' WITH CHECK (' || p.with_check || ')', '')
      FROM pg_policies p WHERE p.schemaname = 'ngome' AND p.tablename = 'payments'
    UNION ALL
    SELECT 6, format('GRANT %s ON ngome.payments TO %s', a.privilege_type, a.grantee::regrole)
      FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'ngome.payments'::regclass AND a.grantee <> c.relowner
    UNION ALL
    SELECT 6, format('GRANT %s (%I) ON ngome.payments TO %s', a.privilege_type, t.attname, a.grantee::regrole)
      FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = 'ngome.payments'::regclass AND NOT t.attisdropped
  ) every_rule;
  -- The owner too is bound by row-level security, until here.
  ALTER TABLE ngome.payments NO FORCE ROW LEVEL SECURITY;
  ALTER TABLE ngome.payments RENAME TO payments_before;
  CREATE TABLE ngome.payments (LIKE ngome.payments_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS INCLUDING STORAGE
    INCLUDING GENERATED) PARTITION BY RANGE (id);
  CREATE TABLE ngome.payments_default PARTITION OF ngome.payments DEFAULT;
  PERFORM ngome.make_payment_partitions(coalesce((SELECT min(ngome.time_of_id(p.id)) FROM ngome.payments_before p), now()), now() + interval '1 year');
  INSERT INTO ngome.payments SELECT * FROM ngome.payments_before;
  -- With what refers to it, which refers to the new one below.
  DROP TABLE ngome.payments_before CASCADE;
  FOREACH rule IN ARRAY rules LOOP
    EXECUTE rule;
  END LOOP;
  ALTER TABLE ngome.payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
  CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.payments_default FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
END $$;

-- It enters the tenant itself; its plan is kept, as those of all that do.
ALTER FUNCTION ngome.read_payments SET plan_cache_mode = 'force_generic_plan';
