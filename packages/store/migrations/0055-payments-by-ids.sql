-- Payments by their ids: each id is looked for in the partition that can hold it. A list of them leaves out no partition of a plan that is kept
-- (ADR 41).
CREATE OR REPLACE FUNCTION ngome.read_payments(of_merchant text, of_world text, ids text[])
RETURNS TABLE (id text, status text, failure text, direction text, network text, currency text, amount_minor bigint, fee_minor bigint,
  reference text, payer_masked text, original text, created_at_ms bigint, updated_at_ms bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = 'force_generic_plan' AS $$
BEGIN
  PERFORM set_config('ngome.merchant', of_merchant, true), set_config('ngome.world', of_world, true);
  RETURN QUERY SELECT f.id, f.status, f.failure, f.direction, f.network, f.currency, f.amount_minor, f.fee_minor, f.reference,
      f.payer_masked, f.original, (extract(epoch FROM f.created_at) * 1000)::bigint, (extract(epoch FROM f.updated_at) * 1000)::bigint
    FROM unnest(ids) i (wanted) CROSS JOIN LATERAL (
      SELECT p.id, p.status, p.failure, p.direction, p.network, p.currency, p.amount_minor, p.fee_minor, p.reference, p.payer_masked, p.original,
        p.created_at, p.updated_at
      FROM ngome.payments p WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = i.wanted LIMIT 1
    ) f;
END $$;
