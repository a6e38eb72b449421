-- What merchants have is paid to their banks: a day's money is taken out once, and comes back where the bank did not pay (ADR 39).

CREATE POLICY operator_reads ON ngome.settlements FOR SELECT TO ngome_operator USING (true);
CREATE POLICY tenant_reads ON ngome.settlements FOR SELECT TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
GRANT SELECT ON ngome.settlements TO ngome_operator, ngome_gateway;
-- Whose turn it is to be settled changes with the day.
GRANT SELECT (day) ON ngome.closed_days TO ngome_dispatcher;

-- Settles the last closed day of the tenant that the transaction is in: what is available, but for what came since that day ended.
-- What is owed stays. However many do it at once, the first settles. `outcome`: settled, no_day, frozen, settled_before, nothing.
CREATE FUNCTION ngome.settle_day(new_id text, of_currency text, minimum_minor bigint, of_at timestamptz,
  OUT outcome text, OUT settled_day text, OUT settled_minor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  available text := ngome.account_id(of_merchant, of_world, 'merchant_available', '', of_currency);
  closed date;
  totals record;
  owed bigint;
  came_until bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
  END IF;
  -- From here on others who settle or take wait, and each statement sees what those before have done.
  PERFORM FROM ngome.account_sums s WHERE s.account = available FOR UPDATE;
  SELECT max(c.day) INTO closed FROM ngome.closed_days c;
  settled_day := to_char(closed, 'YYYY-MM-DD');
  outcome := CASE WHEN closed IS NULL THEN 'no_day'
    WHEN NOT EXISTS (SELECT FROM ngome.merchants m WHERE m.id = of_merchant AND m.frozen_at IS NULL) THEN 'frozen'
    WHEN EXISTS (SELECT FROM ngome.settlements s WHERE s.merchant = of_merchant AND s.world = of_world AND s.currency = of_currency
      AND s.day >= closed AND s.state <> 'failed') THEN 'settled_before' END;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;
  SELECT * INTO totals FROM ngome.account_totals(available);
  SELECT coalesce(sum(t.posted_out - t.posted_in), 0) INTO owed
    FROM ngome.account_totals(ngome.account_id(of_merchant, of_world, 'merchant_debt', '', of_currency)) t;
  SELECT coalesce(sum(d.in_minor), 0) INTO came_until FROM ngome.account_days d WHERE d.account = available AND d.day <= closed;
  settled_minor := came_until - totals.posted_out - totals.pending_out - owed;
  IF settled_minor IS NULL OR settled_minor < greatest(minimum_minor, 1) THEN
    outcome := 'nothing';
    settled_minor := NULL;
    RETURN;
  END IF;
  INSERT INTO ngome.settlements (id, merchant, world, currency, amount_minor, day, state, created_at, updated_at)
    VALUES (new_id, of_merchant, of_world, of_currency, settled_minor, closed, 'created', of_at, of_at);
  PERFORM ngome.post_transfer(of_merchant, of_world, NULL, new_id, NULL, 'settlement', '', settled_minor, of_currency, of_at);
  outcome := 'settled';
END $$;
GRANT EXECUTE ON FUNCTION ngome.settle_day TO ngome_operator, ngome_dispatcher;

-- Who has money of the last closed day that is not settled, or never had any settled: whose turn it may be. From after the one that is named.
CREATE FUNCTION ngome.find_unsettled(of_world text, of_currency text, after_merchant text, at_most integer) RETURNS TABLE (merchant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.merchant FROM ngome.accounts a
  WHERE a.kind = 'merchant_available' AND a.world = of_world AND a.currency = of_currency AND a.merchant > after_merchant
    AND NOT EXISTS (SELECT FROM ngome.settlements s WHERE s.merchant = a.merchant AND s.world = a.world AND s.currency = a.currency
      AND s.day >= (SELECT max(c.day) FROM ngome.closed_days c) AND s.state <> 'failed')
    AND EXISTS (SELECT FROM ngome.closed_days)
  ORDER BY a.merchant LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_unsettled TO ngome_operator, ngome_dispatcher;

-- The operator says that the bank paid a settlement, or did not: once. `outcome`: done, unknown, or the state that it has already.
CREATE FUNCTION ngome.end_settlement(of_id text, to_state text, words text, of_at timestamptz, OUT outcome text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  settlement ngome.settlements;
BEGIN
  SELECT * INTO settlement FROM ngome.settlements s WHERE s.id = of_id
    AND s.merchant = current_setting('ngome.merchant', true) AND s.world = current_setting('ngome.world', true) FOR UPDATE;
  outcome := CASE WHEN settlement.id IS NULL THEN 'unknown' WHEN settlement.state <> 'created' THEN settlement.state ELSE 'done' END;
  IF outcome <> 'done' THEN
    RETURN;
  END IF;
  UPDATE ngome.settlements SET state = to_state, updated_at = of_at, bank_reference = CASE to_state WHEN 'paid' THEN words END,
    failure = CASE to_state WHEN 'failed' THEN words END WHERE id = of_id;
  PERFORM ngome.post_transfer(settlement.merchant, settlement.world, NULL, of_id, NULL,
    CASE to_state WHEN 'paid' THEN 'settlement_paid' ELSE 'settlement_returned' END, '', settlement.amount_minor, settlement.currency, of_at);
END $$;
GRANT EXECUTE ON FUNCTION ngome.end_settlement TO ngome_operator;
