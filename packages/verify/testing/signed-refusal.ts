import { sign, type KeyObject } from 'node:crypto'
import { toBase64Url } from '@ngome/kernel'
import type { SignedRefusal } from '@ngome/runtime'

/** A refusal as the custodian signs it, for tests. */
export function signedRefusal(
  key: KeyObject,
  said: { readonly challenge: string; readonly caller: string; readonly operation: string; readonly reason: string },
): SignedRefusal {
  const statement = JSON.stringify({ ...said, at: new Date(0).toISOString() })
  return { statement, signature: toBase64Url(sign(null, Buffer.from(statement), key)) }
}
