import { Fault } from '@ngome/kernel'
import { readRevocations, type Database, type Revocation } from '@ngome/store'
import type { RevocationSource } from './revocation-lease.ts'

/** PostgreSQL's largest int8: nothing was revoked after it, so that only the counter comes back. */
const afterAll = 9_223_372_036_854_775_807n

/** Reads revocations through a pool of one connection that nothing else uses. */
export function revocationSource(database: Database): RevocationSource<Revocation> {
  return {
    async since(counter) {
      const read = await readRevocations(database.pool, counter ?? afterAll)
      // A counter that went back is a database that forgot: a restored backup, or a replica that is behind.
      if (counter !== null && read.counter < counter) {
        throw new Fault('store/unavailable', `the revocation counter went back from ${counter} to ${read.counter}`)
      }
      return { counter: read.counter, changes: counter === null ? [] : read.revocations }
    },
  }
}
