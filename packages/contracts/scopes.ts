/**
 * What an API key may be allowed, one name for each kind of effect; an operation asks for exactly one. `vault:seal` is all
 * that a publishable key can have: fetching the keys to seal to, and handing in what a client sealed.
 */
export const scopes = [
  'payments:read', 'payments:write',
  'payouts:read', 'payouts:write',
  'refunds:read', 'refunds:write',
  'webhooks:read', 'webhooks:write',
  'vault:read', 'vault:write', 'vault:seal',
  'forwards:read', 'forwards:write',
  'keys:read', 'keys:write',
  'usage:read',
  'balances:read',
  'checkout:read', 'checkout:write',
  'events:read',
  'statements:read',
] as const
export type Scope = (typeof scopes)[number]

/**
 * What a merchant may give its own keys where the operator says nothing else. Not `keys:write`: a key that makes keys comes
 * from the operator, so that a thief of one cannot leave another behind that does.
 */
export const merchantKeyScopesDefault: readonly Scope[] = scopes.filter((scope) => scope !== 'keys:write')
