import type { DataClass, Tenant } from '@ngome/kernel'
import type { SuiteName } from './suites.ts'

/** Where a record stands. A blob opens only with the same context, so that a swapped row does not open. */
export type RecordContext = {
  readonly tenant: Tenant
  readonly table: string
  readonly recordId: string
  readonly dataClass: DataClass
  /** Counts from 1; a record sealed anew gets the next. */
  readonly version: number
}

/** A context as its bytes give it; they name the suite too, which has to be the data key's. */
export type ReadRecordContext = RecordContext & { readonly suite: SuiteName }
