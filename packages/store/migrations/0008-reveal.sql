-- What the operator shows to people, once the custodian has their approval: one sealed payment, by the id that he has.

CREATE POLICY find_sealed_payment_reads ON ngome.data_keys FOR SELECT TO ngome_migrator USING (true);
-- No way to list them, and nothing in it that opens without the custodian.
CREATE FUNCTION ngome.find_sealed_payment(wanted text)
RETURNS TABLE (merchant text, world text, sealed bytea, data_key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.merchant, p.world, p.sealed, d.sealed
  FROM ngome.payments p
    JOIN ngome.data_keys d ON d.merchant = p.merchant AND d.world = p.world AND d.id = p.data_key
  WHERE p.id = wanted
$$;
GRANT EXECUTE ON FUNCTION ngome.find_sealed_payment TO ngome_operator;
