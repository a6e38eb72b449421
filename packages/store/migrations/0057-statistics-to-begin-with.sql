-- What PostgreSQL is to believe of a table until it has looked at it by itself, some minutes after the first rows came: that all rows are of
-- one tenant and one network. Without it every index that begins with them looks as good as the one that has the whole key, and a
-- change of one row went through all of a merchant's.

CREATE PROCEDURE ngome.begin_statistics(of_table regclass) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT a.attname FROM pg_attribute a WHERE a.attrelid = of_table AND a.attname IN ('merchant', 'world', 'network', 'network_world') AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = 'ngome' AND format('%I.%I', s.schemaname, s.tablename)::regclass = of_table AND s.attname = a.attname)
  LOOP
    PERFORM pg_restore_attribute_stats('schemaname', 'ngome', 'relname', (SELECT c.relname::text FROM pg_class c WHERE c.oid = of_table), 'attname', name,
      'inherited', false, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real);
  END LOOP;
END $$;
REVOKE EXECUTE ON PROCEDURE ngome.begin_statistics FROM PUBLIC;

DO $$
DECLARE
  of_table regclass;
BEGIN
  FOR of_table IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'ngome'::regnamespace AND c.relkind = 'r' LOOP
    CALL ngome.begin_statistics(of_table);
  END LOOP;
END $$;

-- As before, and with these.
CREATE OR REPLACE FUNCTION ngome.make_payment_partitions(since timestamptz, until timestamptz) RETURNS integer
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
        CALL ngome.begin_statistics(to_regclass('ngome.' || part));
        made := made + 1;
      EXCEPTION WHEN check_violation OR lock_not_available THEN
        NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
