import type { Clock } from './clock.ts'
import { newId, type RequestId } from './ids.ts'
import type { Random } from './random.ts'

/** Fetched at once: a call of the generator costs more than the rest of an id, and a request's id is no secret. */
const poolBytes = 4_096

/** Makes the ids of requests, many of them for one call of the generator. */
export function requestIds(from: { readonly clock: Clock; readonly random: Random }): () => RequestId {
  let pool: Uint8Array = new Uint8Array()
  let at = 0
  const random: Random = {
    bytes(length) {
      if (at + length > pool.length) {
        pool = from.random.bytes(poolBytes)
        at = 0
      }
      at += length
      return pool.subarray(at - length, at)
    },
  }
  return () => newId('request', { clock: from.clock, random })
}
