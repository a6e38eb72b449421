-- A person, or what a network reports, has the dispatcher ask about what has succeeded: whether the network took it back (ADR 45).

-- Makes the dispatcher ask now, also about what has ended; the job is as packages/store/jobs writes it, which a test compares.
CREATE OR REPLACE FUNCTION ngome.enqueue_enquiry(of_merchant text, of_world text, of_payment text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds,
    deletion_seconds, policy)
  VALUES ('payment-enquire', jsonb_build_object('merchant', of_merchant, 'world', of_world, 'payment', of_payment, 'recheck', true),
    now(), now() + interval '60 days', 1000000, 1, true, 15, 300, 3600, 'standard')
$$;

-- Asks about a payment of any tenant. Gives back whose it is; nothing where there is none, or nothing was sent of it that could be asked about.
CREATE FUNCTION ngome.recheck_payment(of_payment text) RETURNS TABLE (merchant text, world text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found record;
BEGIN
  FOR found IN SELECT p.merchant, p.world FROM ngome.payments p WHERE p.id = of_payment AND p.status IN ('processing', 'in_doubt', 'succeeded') LOOP
    PERFORM ngome.enqueue_enquiry(found.merchant, found.world, of_payment);
    merchant := found.merchant;
    world := found.world;
    RETURN NEXT;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION ngome.recheck_payment TO ngome_operator;

-- As before; of what has succeeded too it may be asked.
CREATE OR REPLACE FUNCTION ngome.take_difference_step(of_difference bigint, of_what text, of_whom text, of_note text, of_adjustment text, of_at timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d ngome.reconciliation_differences;
BEGIN
  IF of_whom = 'matching' OR of_what NOT IN ('explained', 'asked', 'resolved', 'suspended') THEN
    RAISE EXCEPTION 'that is not for a person to say' USING ERRCODE = 'NG045';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ngome.difference'), of_difference::integer);
  SELECT * INTO d FROM ngome.reconciliation_differences f WHERE f.number = of_difference;
  IF NOT FOUND OR EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.difference = of_difference AND s.is_end) THEN
    RAISE EXCEPTION 'there is no such difference, or it is ended' USING ERRCODE = 'NG045';
  END IF;
  IF of_what = 'asked' THEN
    IF NOT EXISTS (SELECT FROM ngome.payments p WHERE p.merchant = d.merchant AND p.world = d.world AND p.id = d.payment
        AND p.status IN ('processing', 'in_doubt', 'succeeded')) THEN
      RAISE EXCEPTION 'there is nothing to ask about' USING ERRCODE = 'NG045';
    END IF;
    PERFORM ngome.enqueue_enquiry(d.merchant, d.world, d.payment);
  END IF;
  IF of_what = 'suspended' THEN
    IF NOT EXISTS (SELECT FROM ngome.adjustments a WHERE a.id = of_adjustment AND a.world = d.network_world
        AND a.network = d.network AND a.currency = d.currency AND a.amount_minor = abs(d.delta_minor) AND (d.merchant IS NULL OR a.merchant = d.merchant)
        AND a.kind = CASE WHEN d.delta_minor > 0 THEN 'suspense_in' ELSE 'suspense_out' END
        AND NOT EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.adjustment = of_adjustment)) THEN
      RAISE EXCEPTION 'this adjustment is not of this difference' USING ERRCODE = 'NG045';
    END IF;
  END IF;
  PERFORM ngome.add_difference_step(of_difference, of_what, of_whom, of_note, of_adjustment, of_at);
END $$;
