/**
 * What an API key may be allowed, one name for each kind of effect; an operation asks for exactly one. `vault:seal` is all
 * that a publishable key can have: fetching the keys to seal to, and handing in what a client sealed.
 */
export const scopes = [
  'payments:read', 'payments:write',
  'webhooks:read', 'webhooks:write',
  'vault:read', 'vault:write', 'vault:seal',
  'forwards:read', 'forwards:write',
  'keys:read', 'keys:write',
  'usage:read',
] as const
export type Scope = (typeof scopes)[number]
