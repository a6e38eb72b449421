import type { DataKey } from './data-key.ts'
import { blobFormat, prefixBytes } from './format.ts'
import { suites } from './suites.ts'

// An entry goes with its key.
const known = new WeakMap<DataKey, Uint8Array>()

/** The first bytes of each blob under one data key: format ‖ suite ‖ data key id. */
export function blobPrefix(dataKey: DataKey): Uint8Array {
  const found = known.get(dataKey)
  if (found !== undefined) return found
  const prefix = Buffer.alloc(prefixBytes)
  prefix[0] = blobFormat
  prefix[1] = suites[dataKey.suite].number
  prefix.write(dataKey.id, 2, 'latin1')
  known.set(dataKey, prefix)
  return prefix
}
