import { Fault } from '@ngome/kernel'
import { operations, type Operation, type OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller } from '../http/call.ts'

/**
 * Whether a key may be used for this, from here: the address that the connection has, never one that a header says. It
 * costs two look-ups where a key has no addresses of its own.
 * @throws Fault `access/address_refused`, `access/scope_missing`
 */
export function authorizeCall(
  { apiKey, mayCallFrom, scopes }: AuthenticatedCaller,
  { socket }: { readonly socket: { readonly remoteAddress?: string | undefined } },
  name: OperationName,
): void {
  if (mayCallFrom !== null && !mayCallFrom(socket.remoteAddress)) {
    throw new Fault('access/address_refused', `${apiKey} from an address that is not in its list`)
  }
  const { scope, sealedScope }: Operation = operations[name]
  if (scope === undefined || scopes.has(scope)) return
  if (sealedScope === undefined || !scopes.has(sealedScope)) throw new Fault('access/scope_missing', `${apiKey} has not ${scope}`)
}
