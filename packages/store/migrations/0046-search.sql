-- Lists by status, network, currency and reference: an index has the payments of each of them in the order of their ids (ADR 41).

DROP INDEX ngome.payments_by_status;
CREATE INDEX payments_search ON ngome.payments (merchant, world, status, network, currency, id);
CREATE INDEX payments_by_reference ON ngome.payments (merchant, world, reference, status, network, currency, id);

-- Which networks and currencies a merchant has payments of: what its transfers clear by.
GRANT SELECT (kind, network, currency) ON ngome.accounts TO ngome_gateway;
