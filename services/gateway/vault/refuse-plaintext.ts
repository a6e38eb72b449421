import { Fault, type FieldFault } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'

/** Of a batch: that many are named, the others are like them. */
const namedMax = 20

/**
 * Refuses values in clear where the merchant's policy or the key's scopes do not allow them, before anything else looks at
 * them.
 * @param pointers where they stand
 * @throws Fault `vault/plaintext_refused`, `access/scope_missing`
 */
export function refusePlaintext(
  { tenant, apiKey, scopes, isVaultPlaintextAllowed }: AuthenticatedCaller, pointers: readonly string[],
): void {
  if (pointers.length === 0) return
  // A key that may only seal is one that anybody can read: what it brings in clear passed where it should not.
  if (!scopes.has('vault:write')) throw new Fault('access/scope_missing', `${apiKey} has not vault:write`)
  if (isVaultPlaintextAllowed) return
  const detail = 'Seal it on the client to a key of GET /v1/vault/keys, and send that as `sealed`.'
  const fields = pointers.slice(0, namedMax).map((pointer): FieldFault => ({ pointer, detail }))
  throw new Fault('vault/plaintext_refused', `the policy of ${tenant.merchant} in ${tenant.world}`, { fields })
}
