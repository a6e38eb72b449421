-- Who may do what with pg-boss's tables, which exist before this file runs.

GRANT USAGE ON SCHEMA pgboss TO ngome_gateway, ngome_dispatcher, ngome_auditor;
-- The gateway adds jobs of ids, and cannot read, change or take one.
GRANT INSERT (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max,
  expire_seconds, deletion_seconds, policy) ON pgboss.job TO ngome_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON pgboss.job, pgboss.job_common TO ngome_dispatcher;
GRANT SELECT, UPDATE ON pgboss.queue, pgboss.version TO ngome_dispatcher;
GRANT SELECT, INSERT, DELETE ON pgboss.warning TO ngome_dispatcher;
GRANT SELECT, UPDATE, DELETE ON pgboss.instance TO ngome_dispatcher;
GRANT SELECT, DELETE ON pgboss.job_dependency TO ngome_dispatcher;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pgboss FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgboss.job_now TO ngome_dispatcher;

-- pg-boss names no classes; its columns hold ids, times and counts.
DO $$
DECLARE
  owned record;
BEGIN
  FOR owned IN
    SELECT a.attrelid::regclass AS relation, array_agg(a.attname::text) AS columns
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'pgboss'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
  LOOP
    CALL ngome.classify(owned.relation, 'internal', owned.columns);
  END LOOP;
END $$;

-- The auditor reads every table, and nothing else. Partitions are reached through their parents.
DO $$
DECLARE
  relation regclass;
BEGIN
  FOR relation IN
    SELECT oid FROM pg_class WHERE relnamespace IN ('ngome'::regnamespace, 'pgboss'::regnamespace)
      AND relkind IN ('r', 'p') AND NOT relispartition
  LOOP
    EXECUTE format('GRANT SELECT ON %s TO ngome_auditor', relation);
  END LOOP;
END $$;
