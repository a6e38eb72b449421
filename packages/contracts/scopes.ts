/**
 * What an API key may be allowed, one name for each kind of effect; an operation asks for exactly one. `vault:seal` is all
 * that a publishable key can have: fetching the keys to seal to, and handing in what a client sealed.
 */
export const scopes = [
  'payments:read', 'payments:write',
  'payouts:read', 'payouts:write', 'payouts:approve',
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
 * from the operator, so that a thief of one cannot leave another behind that does. Nor `payouts:approve`: who may order and make keys
 * would be the second person as well.
 */
export const merchantKeyScopesDefault: readonly Scope[] = scopes.filter((scope) => scope !== 'keys:write' && scope !== 'payouts:approve')
