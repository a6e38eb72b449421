-- How payment networks do: what the dispatcher sees of them, and when they are closed. Of no tenant.

CREATE TABLE ngome.network_health (
  network text COLLATE "C" PRIMARY KEY CHECK (network ~ '^[a-z][a-z0-9-]{1,31}$'),
  status text COLLATE "C" NOT NULL CHECK (status IN ('operational', 'degraded', 'down')),
  since timestamptz NOT NULL,
  -- When a dispatcher last said so: what nobody says any more is not known.
  seen_at timestamptz NOT NULL CHECK (seen_at >= since)
);
CALL ngome.classify('ngome.network_health', 'public', '{network,status,since,seen_at}');
-- No row-level security: every merchant may know whether a network works.
GRANT SELECT ON ngome.network_health TO ngome_gateway, ngome_operator, ngome_auditor;
GRANT SELECT, INSERT, UPDATE (status, since, seen_at) ON ngome.network_health TO ngome_dispatcher;

-- When a network is closed, beside what its configuration says.
CREATE TABLE ngome.network_maintenance (
  network text COLLATE "C" NOT NULL CHECK (network ~ '^[a-z][a-z0-9-]{1,31}$'),
  begins_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 120),
  PRIMARY KEY (network, begins_at),
  CHECK (begins_at < ends_at AND ends_at <= begins_at + interval '31 days')
);
CALL ngome.classify('ngome.network_maintenance', 'public', '{network,begins_at,ends_at,reason}');
-- No row-level security, as above. That it is closed is the operator's to say and nobody else's.
GRANT SELECT ON ngome.network_maintenance TO ngome_gateway, ngome_dispatcher, ngome_auditor;
GRANT SELECT, INSERT, DELETE ON ngome.network_maintenance TO ngome_operator;
