-- What matching or a person has the dispatcher ask takes of the places of its network, as every other enquiry does; the job is as packages/store/jobs
-- writes it, which a test compares.
CREATE OR REPLACE FUNCTION ngome.enqueue_enquiry(of_merchant text, of_world text, of_payment text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds,
    deletion_seconds, policy, group_id)
  SELECT 'payment-enquire', jsonb_build_object('merchant', of_merchant, 'world', of_world, 'payment', of_payment, 'network', p.network, 'recheck', true),
    now(), now() + interval '60 days', 1000000, 1, true, 15, 300, 3600, 'standard', 'network:' || p.network
  FROM ngome.payments p WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = of_payment
$$;
