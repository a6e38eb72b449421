-- The statements that judge a movement are planned once for each connection: payments lie in partitions, for which PostgreSQL made a plan anew
-- for each movement (ADR 41), and that took a third of matching's time.
ALTER FUNCTION ngome.match_movements SET plan_cache_mode = 'force_generic_plan';
