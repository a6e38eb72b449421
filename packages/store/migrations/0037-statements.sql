-- A page of a statement is read in the order of the index and no further: however long the period is, each page costs the same.
ALTER FUNCTION ngome.tenant_entries SET enable_seqscan = off;
ALTER FUNCTION ngome.tenant_entries SET enable_bitmapscan = off;
ALTER FUNCTION ngome.tenant_entries SET plan_cache_mode = force_custom_plan;
