import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@ngome/kernel'
import { processFolder, type Config } from '@ngome/runtime'
import { openDatabase } from '@ngome/store'

/** What a thief of the database would hold of a payment. */
export type StoredPayment = {
  readonly sealedBytes: number
  /** The first bytes of the sealed record: format, suite, and the data key's id. */
  readonly sealedStart: string
  /** Whether the given text stands anywhere in the row, in whatever column. */
  readonly holds: (text: string) => boolean
}

export type StoredAttempt = {
  readonly reference: string
  readonly networkReference: string | null
  readonly networkReason: string | null
}

/** The database as the auditor's role sees it: every row, nothing readable. */
export type AuditorView = {
  payment(id: string): Promise<StoredPayment>
  attempt(payment: string): Promise<StoredAttempt | undefined>
  close(): Promise<void>
}

const startBytes = 12

export function auditorView(config: Config): AuditorView {
  const db = openDatabase({
    host: config.database.host,
    port: config.database.port,
    database: config.database.name,
    user: 'ngome_auditor',
    password: new Secret(readFileSync(join(processFolder(config, 'auditor'), 'db-password'), 'utf8').trim()),
    applicationName: 'ngome-demo',
    poolMax: 1,
  })
  return {
    async payment(id) {
      const { rows: [row] } = await db.pool.query<Record<string, unknown>>('SELECT * FROM ngome.payments WHERE id = $1', [id])
      const sealed = row?.['sealed']
      if (row === undefined || !Buffer.isBuffer(sealed)) throw new TypeError('an accepted payment has a row with a sealed record')
      return {
        sealedBytes: sealed.length,
        sealedStart: sealed.subarray(0, startBytes).toString('hex').replace(/(..)(?=.)/g, '$1 '),
        holds: (text) => Object.values(row).some((value) => (
          Buffer.isBuffer(value) ? value.includes(text, 0, 'utf8') : String(value).includes(text)
        )),
      }
    },
    async attempt(payment) {
      const { rows: [row] } = await db.pool.query<{ reference: string; network_reference: string | null; network_reason: string | null }>(
        'SELECT reference, network_reference, network_reason FROM ngome.attempts WHERE payment = $1', [payment],
      )
      return row === undefined
        ? undefined
        : { reference: row.reference, networkReference: row.network_reference, networkReason: row.network_reason }
    },
    close: () => db.close(),
  }
}
