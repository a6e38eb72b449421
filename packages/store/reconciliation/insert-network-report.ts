import { createHash } from 'node:crypto'
import type { Event } from '@ngome/contracts'
import { Fault, lengthPrefixed, type Currency, type World } from '@ngome/kernel'
import type { ReportRow } from '@ngome/payments'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { appendEvent } from '../events/append-event.ts'
import { errorCode, guarded } from '../store-fault.ts'
import { inPlatform } from '../transaction.ts'

export type NewNetworkReport = {
  readonly network: string
  readonly world: World
  readonly form: 'csv' | 'camt.053'
  readonly currency: Currency
  /** SHA-256 of the file. */
  readonly digest: Uint8Array
  /** Of its rows, by {@link ReportRowsDigest}: what is staged is held against it before it counts. */
  readonly rowsDigest: Uint8Array
  /** As many rows follow. */
  readonly movements: number
  readonly skipped: number
  readonly fromMs: number
  readonly toMs: number
  readonly beganBy: string
  readonly beganAtMs: number
}

/** `staged` rows of it are there, from the first on; `isWhole`: all that follows was done before. */
export type BegunReport = { readonly id: string; readonly staged: number; readonly isWhole: boolean }

/** As many rows as one statement takes, far within its time. */
export const reportRowsAtOnce = 2_000

/** Begins a report, or finds it begun: the same file is the same report. @throws Fault `store/unavailable` */
export async function beginNetworkReport(db: Database, report: NewNetworkReport): Promise<BegunReport> {
  const { network, world, form, currency, digest, rowsDigest, movements, skipped, fromMs, toMs, beganBy, beganAtMs } = report
  return inPlatform(db, async (tx) => {
    await tx.insertInto('network_reports').values({
      network, network_world: world, form, currency, digest, rows_digest: rowsDigest, movements: BigInt(movements), skipped: BigInt(skipped), from_at: new Date(fromMs), to_at: new Date(toMs),
      began_by: beganBy, began_at: new Date(beganAtMs),
    }).onConflict((conflict) => conflict.doNothing()).execute()
    const begun = await tx.selectFrom('network_reports').select((e) => [
      'id', e.selectFrom('network_report_rows').select((rows) => rows.fn.max('number').as('staged')).whereRef('report', '=', 'network_reports.id').as('staged'),
      e.exists(e.selectFrom('network_report_ends').select('report').whereRef('report', '=', 'network_reports.id')).as('isWhole'),
    ]).where('network', '=', network).where('network_world', '=', world).where('digest', '=', Buffer.from(digest)).executeTakeFirstOrThrow()
    return { id: begun.id.toString(), staged: Number(begun.staged ?? 0n), isWhole: Boolean(begun.isWhole) }
  })
}

/** Adds the next rows of a report; `first` is the number of the first of them. @throws Fault `store/unavailable` */
export async function addReportRows(db: Database, report: string, network: string, first: number, rows: readonly ReportRow[]): Promise<void> {
  const column = <T>(valueOf: (row: ReportRow) => T): T[] => rows.map(valueOf)
  await guarded(() => db.pool.query({
    name: 'add_report_rows',
    text: `INSERT INTO ngome.network_report_rows (report, number, line, identity, occurred_at, direction, status, amount_minor, reference, payment_named,
        network_reference)
      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[], $9::uuid[], $10::text[],
        $11::text[])`,
    values: [
      report, rows.map((_, at) => first + at), column(({ line }) => line), column((row) => identityOf(network, row)),
      column(({ occurredAtMs }) => new Date(occurredAtMs)), column(({ direction }) => direction), column(({ status }) => status),
      column(({ amountMinor }) => amountMinor.toString()), column(({ reference }) => reference), column(({ payment }) => payment),
      column(({ networkReference }) => networkReference),
    ],
  }))
}

/**
 * What makes two rows, in one file or in two, the same movement: everything but its time, which files of one network round
 * differently.
 */
function identityOf(network: string, { direction, status, amountMinor, reference, payment, networkReference }: ReportRow): Buffer {
  const text = lengthPrefixed('ngome/network-movement/v1', network, direction, status, String(amountMinor), reference ?? '', payment ?? '', networkReference)
  return createHash('sha256').update(text).digest()
}

/** The rows of a report, one after the other, as one SHA-256; the database makes the same of what it was given. */
export class ReportRowsDigest {
  readonly #network: string
  readonly #hash = createHash('sha256')

  constructor(network: string) {
    this.#network = network
  }

  add(row: ReportRow): void {
    const time = Buffer.alloc(8)
    time.writeBigInt64BE(BigInt(row.occurredAtMs))
    this.#hash.update(identityOf(this.#network, row)).update(time)
  }

  end(): Buffer {
    return this.#hash.digest()
  }
}

/**
 * Takes on the next staged rows as movements of the network, each once in however many files it stands.
 * @returns the last that was looked at, `undefined` after the last; and how many were new
 * @throws Fault `reconciliation/report_changed`, `store/unavailable`
 */
export async function adoptReportRows(db: Database, report: string, after: number): Promise<{ readonly last: number; readonly added: number } | undefined> {
  const { rows: [row] } = await guarded(() => db.pool.query<{ last_number: bigint | null; added: bigint }>(
    'SELECT * FROM ngome.adopt_report_rows($1, $2, $3)', [report, after, reportRowsAtOnce])).catch(refuseChanged)
  const last = row?.last_number ?? null
  return last === null ? undefined : { last: Number(last), added: Number(row?.added ?? 0n) }
}

/** From here on the report counts. @throws Fault `reconciliation/report_changed` where its rows are not those that it began with; Fault `store/unavailable` */
export async function endNetworkReport(db: Database, report: string, atMs: number, event: Event): Promise<void> {
  await inPlatform(db, async (tx) => {
    await sql`SELECT ngome.end_network_report(${report}, ${new Date(atMs)})`.execute(tx).catch(refuseChanged)
    await appendEvent(tx, event)
  })
}

function refuseChanged(error: unknown): never {
  if (errorCode(error) !== 'NG045') throw error
  throw new Fault('reconciliation/report_changed', 'the rows that are staged are not those of the file', { cause: error })
}
