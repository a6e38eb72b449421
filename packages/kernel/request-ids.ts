import type { Clock } from './clock.ts'
import { idOf, idRandomBytes, type RequestId } from './ids.ts'
import type { Random } from './random.ts'

/** Fetched at once: a call of the generator costs more than the rest of an id, and a request's id is no secret. */
const poolBytes = 400 * idRandomBytes

/** Makes the ids of requests, many of them for one call of the generator. */
export function requestIds({ clock, random }: { readonly clock: Clock; readonly random: Random }): () => RequestId {
  let pool: Uint8Array = new Uint8Array()
  let at = 0
  return () => {
    if (at >= pool.length) {
      pool = random.bytes(poolBytes)
      at = 0
    }
    const id = idOf('request', clock.nowMs(), pool, at)
    at += idRandomBytes
    return id
  }
}
