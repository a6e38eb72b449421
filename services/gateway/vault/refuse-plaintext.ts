import { Fault, type FieldFault } from '@ngome/kernel'
import type { AuthenticatedCaller } from '../http/call.ts'

/** Of a batch: that many are named, the others are like them. */
const namedMax = 20

/**
 * Refuses values in clear where the merchant's policy does not allow them, before anything else looks at them.
 * @param pointers where they stand
 * @throws Fault `vault/plaintext_refused`
 */
export function refusePlaintext({ tenant, isVaultPlaintextAllowed }: AuthenticatedCaller, pointers: readonly string[]): void {
  if (isVaultPlaintextAllowed || pointers.length === 0) return
  const detail = 'Seal it on the client to a key of GET /v1/vault/keys, and send that as `sealed`.'
  const fields = pointers.slice(0, namedMax).map((pointer): FieldFault => ({ pointer, detail }))
  throw new Fault('vault/plaintext_refused', `the policy of ${tenant.merchant} in ${tenant.world}`, { fields })
}
