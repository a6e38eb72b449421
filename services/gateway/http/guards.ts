import type { OperationName } from '../api/operations.ts'
import type { AuthenticatedCaller, Call } from './call.ts'
import type { GatewayRequest } from './gateway-request.ts'

/**
 * What a request passes on its way to its handler, in this order; header control was before, and between `authorize` and
 * `verify` come strict JSON and schema. Each refuses by throwing a Fault. One that answers no Promise costs no turn of the
 * event loop.
 */
export type Guards = {
  /** Before anybody was proven: whether there is room, and for this address. */
  readonly admit: (request: GatewayRequest, operation: OperationName) => void | Promise<void>
  /** Whose key it is. @throws Fault where the key is not valid, the merchant is frozen or revocation is unknown */
  readonly authenticate: (authorization: string | undefined, connection: object) =>
    AuthenticatedCaller | Promise<AuthenticatedCaller>
  /** Whether this caller may ask for this, from here, now. */
  readonly authorize: (caller: AuthenticatedCaller, request: GatewayRequest, operation: OperationName) => void | Promise<void>
  /** Whether the caller signed what it asks for, where it must have. */
  readonly verify: (call: Call, request: GatewayRequest, operation: OperationName) => void | Promise<void>
}

/** Several guards of one kind, one after the other; the first that refuses ends it. */
export function inOrder<A extends unknown[]>(
  ...guards: readonly ((...args: A) => void | Promise<void>)[]
): (...args: A) => void | Promise<void> {
  const from = (start: number, args: A): void | Promise<void> => {
    for (let at = start; at < guards.length; at++) {
      const waiting = guards[at]?.(...args)
      if (waiting !== undefined) return waiting.then(() => from(at + 1, args))
    }
    return undefined
  }
  return (...args) => from(0, args)
}
