-- What a report writes as a refund under the network's id of a payout is that payout, come back: it is matched with it as a collection's is with
-- the collection, and money came. Before, it was nobody's, and money that had gone.

CREATE OR REPLACE FUNCTION ngome.payment_of_movement(m ngome.network_movements) RETURNS ngome.matched_payment
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found ngome.matched_payment;
BEGIN
  SELECT p.merchant, p.world, p.id, p.direction, p.status, p.amount_minor, p.currency, a.network_reference, coalesce(a.sent_at, p.created_at),
      coalesce(a.known_at, p.updated_at) INTO found
    FROM ngome.attempts a JOIN ngome.payments p ON p.merchant = a.merchant AND p.world = a.world AND p.id = a.payment
    WHERE (a.reference = m.reference OR a.payment = m.payment_named OR a.network_reference = m.network_reference)
      AND p.network = m.network AND p.world = m.network_world
      AND (p.direction = m.direction OR m.direction = 'outgoing' AND p.direction <> 'collection')
    ORDER BY coalesce(a.reference = m.reference, false) DESC, coalesce(a.payment = m.payment_named, false) DESC, p.amount_minor = m.amount_minor DESC,
      p.id LIMIT 1;
  IF found.id IS NOT NULL OR m.direction <> 'refund' THEN
    RETURN found;
  END IF;
  -- The refund of that collection which has not failed; without one, the collection or payout itself, which the network took back.
  SELECT p.merchant, p.world, p.id, p.direction, p.status, p.amount_minor, p.currency, a.network_reference, coalesce(a.sent_at, p.created_at),
      coalesce(a.known_at, p.updated_at) INTO found
    FROM ngome.attempts o JOIN ngome.payments c ON c.merchant = o.merchant AND c.world = o.world AND c.id = o.payment
      JOIN ngome.payments p ON p.merchant = c.merchant AND p.world = c.world AND (p.original = c.id OR p.id = c.id)
      LEFT JOIN ngome.attempts a ON a.merchant = p.merchant AND a.world = p.world AND a.payment = p.id
    WHERE o.network_reference = m.network_reference AND c.network = m.network AND c.world = m.network_world AND c.direction IN ('collection', 'payout')
      AND (p.id = c.id OR a.sent_at IS NOT NULL)
    ORDER BY p.id <> c.id AND p.status NOT IN ('failed', 'cancelled') DESC, p.id <> c.id DESC, p.amount_minor = m.amount_minor DESC, p.id LIMIT 1;
  RETURN found;
END $$;

CREATE OR REPLACE FUNCTION ngome.judge_movement(m ngome.network_movements, p ngome.matched_payment, OUT verdict text, OUT delta bigint, OUT asks boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  way integer := CASE m.direction WHEN 'collection' THEN 1 ELSE -1 END;
  strength text[] := ARRAY['pending', 'failed', 'succeeded', 'reversed'];
  is_open boolean := p.status IN ('awaiting_approval', 'accepted', 'processing', 'in_doubt');
BEGIN
  delta := 0;
  asks := false;
  IF EXISTS (SELECT FROM ngome.network_movements o WHERE o.network = m.network AND o.network_world = m.network_world
      AND o.network_reference = m.network_reference AND o.direction = m.direction
      AND array_position(strength, o.status) > array_position(strength, m.status)) THEN
    verdict := 'superseded';
  ELSIF p.id IS NULL THEN
    verdict := CASE WHEN m.status IN ('succeeded', 'reversed') THEN 'missing_at_us' ELSE 'nothing' END;
    -- Of what was taken back and is not ours it is not known whether it came: nobody books it by itself.
    delta := CASE m.status WHEN 'succeeded' THEN way * m.amount_minor ELSE 0 END;
  ELSIF p.direction <> 'refund' AND m.direction = 'refund' THEN
    -- The network took a collection or a payout back, which no refund of ours ordered: what came goes, and what went comes.
    verdict := CASE WHEN m.status <> 'succeeded' THEN 'nothing'
      WHEN p.status = 'reversed' AND p.amount_minor = m.amount_minor THEN 'matched' ELSE 'state_differs' END;
    delta := CASE WHEN verdict = 'state_differs' AND p.status <> 'reversed' THEN CASE p.direction WHEN 'collection' THEN -m.amount_minor ELSE m.amount_minor END ELSE 0 END;
  ELSIF m.status = 'pending' THEN
    verdict := CASE p.status WHEN 'succeeded' THEN 'state_differs' ELSE 'open' END;
  ELSIF m.status = 'failed' THEN
    verdict := CASE WHEN p.status IN ('failed', 'cancelled') OR EXISTS (SELECT FROM ngome.network_movements o WHERE o.reference = m.reference
        AND o.network = m.network AND o.network_world = m.network_world AND o.direction = m.direction AND o.status = 'succeeded')
      THEN 'matched' ELSE 'state_differs' END;
    delta := CASE WHEN verdict = 'state_differs' AND p.status = 'succeeded' THEN -way * p.amount_minor ELSE 0 END;
  ELSIF m.status = 'reversed' THEN
    verdict := CASE WHEN p.status IN ('reversed', 'failed', 'cancelled') THEN 'matched' ELSE 'state_differs' END;
    delta := CASE p.status WHEN 'succeeded' THEN -way * p.amount_minor ELSE 0 END;
  ELSIF ngome.is_second_movement(m, p) THEN
    verdict := 'duplicate_at_network';
    delta := way * m.amount_minor;
  ELSIF p.status NOT IN ('succeeded', 'reversed') THEN
    verdict := 'state_differs';
    delta := CASE WHEN is_open THEN 0 ELSE way * m.amount_minor END;
  ELSIF p.amount_minor <> m.amount_minor THEN
    verdict := 'amount_differs';
    delta := CASE p.status WHEN 'succeeded' THEN way * (m.amount_minor - p.amount_minor) ELSE 0 END;
  ELSE
    verdict := CASE WHEN m.occurred_at BETWEEN p.from_at - interval '1 day' AND p.to_at + interval '1 day' THEN 'matched' ELSE 'day_differs' END;
  END IF;
  asks := is_open AND verdict = 'state_differs';
END $$;
