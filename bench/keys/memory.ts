import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ApiKeyCache } from '../../services/gateway/access/api-key-cache.ts'
import type { ProvenApiKey } from '../../services/gateway/access/prove-api-key.ts'
import { timeCase, type BenchCase } from '../harness.ts'

/** As many as a gateway keeps. */
const few = 10_000
const many = 30_000
const mebibyte = 1_048_576

/** What the rows of keys take of a gateway's memory once more keys came by than it keeps, beside when it had just its fill. */
export async function memoryOfKeys(newRow: () => ProvenApiKey): Promise<BenchCase> {
  let row = newRow()
  const cache = new ApiKeyCache(() => Promise.resolve(row))
  const comeBy = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) {
      row = newRow()
      await cache.load(row.id)
    }
  }
  const beforeBytes = heapBytes()
  await comeBy(few)
  const afterFew = heapBytes() - beforeBytes
  await comeBy(many - few)
  const afterMany = heapBytes() - beforeBytes
  // Read once more, so that it was there all the while.
  if (cache.cached(row.id) !== row) throw new Error('what came last is not in memory')
  return timeCase('memory of keys after 30,000 came by, beside after 10,000', 'MiB', afterMany / mebibyte, afterFew / mebibyte)
}

/** What is still needed, and nothing that only waits for the collector; buffers outside the heap included. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
