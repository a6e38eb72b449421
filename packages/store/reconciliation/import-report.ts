import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { emit } from '@ngome/contracts'
import type { Clock, Random, World } from '@ngome/kernel'
import {
  isReportRow, readReport, type ReportForm, type ReportItem, type ReportOfNetwork, type ReportPeriod, type ReportProblem, type ReportRow,
} from '@ngome/payments'
import type { Database } from '../database.ts'
import {
  addReportRows, adoptReportRows, beginNetworkReport, endNetworkReport, reportRowsAtOnce, ReportRowsDigest, type BegunReport,
} from './insert-network-report.ts'

export type ReportFile = {
  readonly path: string
  readonly network: string
  readonly world: World
  readonly form: ReportForm
  readonly rules: ReportOfNetwork
  /** The time that it covers; as the file says, or from its first row to its last, where it is left out. */
  readonly period?: ReportPeriod | undefined
  readonly by: string
}

export type ImportWorld = {
  readonly db: Database; readonly clock: Clock; readonly random: Random; readonly onProgress: (done: string, rows: number) => void
}

/** `refused`: nothing of it was taken, and here is why. `known`: the same file was imported before. */
export type ImportOutcome =
  | { readonly kind: 'refused'; readonly problems: readonly ReportProblem[]; readonly problemCount: number }
  | ({ readonly kind: 'imported' | 'known'; readonly report: string; readonly movements: number; readonly skipped: number; readonly added: number } & ReportPeriod)

/** So many problems are shown; all are counted. */
const problemsShown = 100
const progressEvery = 50_000
/** What is read at once; a file of any length is read in so much memory. */
const pieceBytes = 65_536

/**
 * Imports a network's report whole or not at all: it is read once to see that every row of it is one, and again to stage them; what was
 * staged is held against what was read first before it counts. An import that was stopped goes on where it stopped.
 * @throws Fault `reconciliation/report_changed`, `store/unavailable`
 */
export async function importReport(file: ReportFile, world: ImportWorld): Promise<ImportOutcome> {
  const handle = await open(file.path, 'r')
  try {
    const read = await readFirst(handle, file, world)
    if (read.problemCount > 0) return { kind: 'refused', problems: read.problems, problemCount: read.problemCount }
    const { db, clock, random } = world
    const { network, world: networkWorld, by } = file
    const period = file.period ?? read.period
    const begun = await beginNetworkReport(db, {
      network, world: networkWorld, form: file.form.kind, currency: file.rules.currency, digest: read.digest, rowsDigest: read.rowsDigest,
      movements: read.rows, skipped: read.skipped, ...period, beganBy: by, beganAtMs: clock.nowMs(),
    })
    const counts = { report: begun.id, movements: read.rows, skipped: read.skipped, ...period }
    if (begun.isWhole) return { kind: 'known', added: 0, ...counts }
    await stage(handle, file, begun, world)
    const added = await adopt(begun.id, world)
    await endNetworkReport(db, begun.id, clock.nowMs(), emit({ clock, random, process: 'operator' }, 'reconciliation.report_imported', null, {
      network, report: begun.id, digest: read.digest.toString('hex'), movements: read.rows, from: new Date(period.fromMs).toISOString(),
      to: new Date(period.toMs).toISOString(), by,
    }))
    return { kind: 'imported', added, ...counts }
  } finally {
    await handle.close()
  }
}

type FirstReading = {
  readonly digest: Buffer; readonly rowsDigest: Buffer; readonly rows: number; readonly skipped: number; readonly period: ReportPeriod
  readonly problems: readonly ReportProblem[]; readonly problemCount: number
}

async function readFirst(handle: FileHandle, { network, form, rules }: ReportFile, { clock, onProgress }: ImportWorld): Promise<FirstReading> {
  const [hash, rowsDigest, problems] = [createHash('sha256'), new ReportRowsDigest(network), [] as ReportProblem[]]
  let [rows, skipped, problemCount, earliestMs, latestMs] = [0, 0, 0, Infinity, -Infinity]
  let said: ReportPeriod | undefined
  for await (const item of itemsOf(handle, form, rules, (piece) => { hash.update(piece) })) {
    if (isReportRow(item)) {
      rows++
      rowsDigest.add(item)
      earliestMs = Math.min(earliestMs, item.occurredAtMs)
      latestMs = Math.max(latestMs, item.occurredAtMs)
      if (rows % progressEvery === 0) onProgress('read', rows)
    } else if ('problem' in item) {
      problemCount++
      if (problems.length < problemsShown) problems.push(item)
    } else if ('skipped' in item) skipped++
    else said = item
  }
  const nowMs = clock.nowMs()
  // A file without rows covers only what somebody says that it covers.
  const period = said ?? (rows === 0 ? { fromMs: nowMs, toMs: nowMs } : { fromMs: earliestMs, toMs: latestMs })
  return { digest: hash.digest(), rowsDigest: rowsDigest.end(), rows, skipped, period, problems, problemCount }
}

async function stage(handle: FileHandle, { form, rules, network }: ReportFile, begun: BegunReport, { db, onProgress }: ImportWorld): Promise<void> {
  let [seen, batch] = [0, [] as ReportRow[]]
  const write = async (): Promise<void> => {
    if (batch.length > 0) await addReportRows(db, begun.id, network, seen - batch.length + 1, batch)
    batch = []
  }
  for await (const item of itemsOf(handle, form, rules)) {
    if (!isReportRow(item)) continue
    seen++
    if (seen <= begun.staged) continue
    batch.push(item)
    if (batch.length >= reportRowsAtOnce) await write()
    if (seen % progressEvery === 0) onProgress('staged', seen)
  }
  await write()
}

async function adopt(report: string, { db, onProgress }: ImportWorld): Promise<number> {
  let added = 0
  for (let last = 0; ;) {
    const step = await adoptReportRows(db, report, last)
    if (step === undefined) return added
    added += step.added
    if (Math.floor(step.last / progressEvery) > Math.floor(last / progressEvery)) onProgress('taken on', step.last)
    last = step.last
  }
}

/** From the beginning, through one handle, so that it is one file that is read twice. */
function itemsOf(handle: FileHandle, form: ReportForm, rules: ReportOfNetwork, onPiece?: (piece: Uint8Array) => void): AsyncGenerator<ReportItem> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let position = 0; ;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(pieceBytes), 0, pieceBytes, position)
      if (bytesRead === 0) return
      position += bytesRead
      onPiece?.(buffer.subarray(0, bytesRead))
      yield buffer.subarray(0, bytesRead)
    }
  }
  return readReport(pieces(), form, rules)
}
