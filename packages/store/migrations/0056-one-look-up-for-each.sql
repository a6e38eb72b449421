-- Whether a payment was moved before is looked up by what names it, each in an index that has all of it. An OR of both was looked up by the
-- network alone where nothing is known yet of what the table holds, as after the first large report: by each of its movements once over.

CREATE INDEX network_movements_by_reference ON ngome.network_movements (reference, network, network_world) WHERE reference IS NOT NULL;
DROP INDEX ngome.network_movements_our_reference;

CREATE OR REPLACE FUNCTION ngome.is_second_movement(m ngome.network_movements, p ngome.matched_payment) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM (
      SELECT o.* FROM ngome.network_movements o WHERE o.reference = m.reference AND o.network = m.network AND o.network_world = m.network_world
      UNION ALL
      SELECT o.* FROM ngome.network_movements o WHERE o.merchant = p.merchant AND o.world = p.world AND o.payment = p.id
    ) o
    WHERE o.network = m.network AND o.network_world = m.network_world AND o.direction = m.direction AND o.status = 'succeeded' AND o.position <> m.position
      AND (o.verdict IN ('matched', 'amount_differs', 'day_differs', 'state_differs')
        OR (o.network_reference = p.network_reference AND m.network_reference <> p.network_reference)))
$$;

-- As before, but that each row's payout is looked up by all of its key (OFFSET 0 keeps the look-up apart). As a join it was planned by
-- what the partition is known to hold, which is nothing at first: for each row of a part all payments of the merchant were gone through.
CREATE OR REPLACE FUNCTION ngome.take_payout_part(of_part text, taken_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  batch record;
  came record;
BEGIN
  SELECT b.* INTO batch FROM ngome.payout_batch_parts p JOIN ngome.payout_batches b ON (b.merchant, b.world, b.id) = (p.merchant, p.world, p.batch)
    WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = of_part
    -- Its parts refer to it: a lock that they do not wait for.
    FOR NO KEY UPDATE OF b;
  IF batch IS NULL OR batch.cancelled_at IS NOT NULL THEN
    RAISE EXCEPTION 'no batch takes this part' USING ERRCODE = 'NG471';
  END IF;
  SELECT count(*)::integer AS rows, coalesce(sum(m.amount_minor), 0)::bigint AS minor,
      bool_and(r.batch = batch.id AND r.reference = m.reference AND m.direction = 'payout' AND m.currency = batch.currency) AS is_fit INTO came
    FROM ngome.payout_batch_rows r CROSS JOIN LATERAL (
      SELECT p.reference, p.direction, p.currency, p.amount_minor FROM ngome.payments p
      WHERE p.merchant = r.merchant AND p.world = r.world AND p.id = r.payment OFFSET 0
    ) m
    WHERE r.merchant = of_merchant AND r.world = of_world AND r.part = of_part;
  IF NOT coalesce(came.is_fit, false) THEN
    RAISE EXCEPTION 'rows that are not of this batch' USING ERRCODE = 'NG001';
  END IF;
  IF batch.accepted_count + came.rows > batch.declared_count OR batch.accepted_minor + came.minor > batch.declared_minor
    OR (batch.accepted_count + came.rows = batch.declared_count) <> (batch.accepted_minor + came.minor = batch.declared_minor) THEN
    RAISE EXCEPTION 'another count or total was declared' USING ERRCODE = 'NG472';
  END IF;
  UPDATE ngome.payout_batches b SET accepted_count = b.accepted_count + came.rows, accepted_minor = b.accepted_minor + came.minor, updated_at = taken_at
    WHERE b.merchant = of_merchant AND b.world = of_world AND b.id = batch.id;
END $$;
