import type { Random } from '@ngome/kernel'
import { saltBytes } from './format.ts'

/** A draw from the operating system costs as much as the cipher; one draw serves this many salts. */
const saltsPerDraw = 128

type Pool = { bytes: Uint8Array; at: number }

// One pool for each source, so that a simulation's source and the system's never mix. Only salts come from it, never
// keys: a salt is public as soon as it is used, so what a core dump shows of a pool is of no use to anybody.
const pools = new WeakMap<Random, Pool>()

/** Writes one fresh salt into both places. Each drawn byte is handed out once, and wiped here. */
export function writeSalt(random: Random, one: Uint8Array, oneAt: number, other: Uint8Array, otherAt: number): void {
  const pool = pools.get(random) ?? newPool(random)
  if (pool.at === pool.bytes.length) fill(pool, random)
  const { bytes, at } = pool
  // Moved on before it is used: whatever fails from here on, these bytes are not handed out again.
  pool.at += saltBytes
  for (let index = 0; index < saltBytes; index++) {
    const byte = bytes[at + index] ?? 0
    one[oneAt + index] = byte
    other[otherAt + index] = byte
    bytes[at + index] = 0
  }
}

function newPool(random: Random): Pool {
  const pool = { bytes: new Uint8Array(0), at: 0 }
  pools.set(random, pool)
  return pool
}

function fill(pool: Pool, random: Random): void {
  const bytes = random.bytes(saltsPerDraw * saltBytes)
  if (bytes.length !== saltsPerDraw * saltBytes) throw new RangeError('a source that gave another number of bytes')
  pool.bytes = bytes
  pool.at = 0
}
