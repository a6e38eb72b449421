import { openCheckpoint, proveConsistency, signCheckpoint, verifyConsistency, type Checkpoint } from '@ngome/audit'
import { custodianLogOrigin } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { Custodian } from '../custodian.ts'
import type { StatementKey } from '../merchants/statement-key.ts'
import type { Reading } from '../store/store.ts'
import { logNodes, readFrontier } from './log-nodes.ts'

/** A checkpoint with the text that its signature is in. */
export type KeptCheckpoint = { readonly checkpoint: Checkpoint; readonly note: string }

/** Rows that may follow the last checkpoint before the custodian signs and keeps one unasked. */
export const rowsPerCheckpoint = 1_000
/** How often it looks. */
export const checkpointIntervalMs = 60_000

/**
 * Signs a checkpoint of the log as it is committed now, and keeps it. It never signs what does not follow from the last
 * one that it kept (c2sp.org/tlog-checkpoint, "Signatures").
 *
 * The statement key signs: who enrolled knows it. A checkpoint's text begins with the log's name, a certificate of
 * destruction with another, a statement with the zero byte of a length and a refusal with a brace, so that no signature
 * stands for another.
 * @param rowsMin fewer new rows than this, and the last checkpoint is given again
 * @throws Fault `custodian/unavailable` where the log does not follow: somebody wrote in the store
 */
export async function keepCheckpoint(
  { store, clock, statementKey }: Custodian, { rowsMin = 1 }: { readonly rowsMin?: number } = {},
): Promise<KeptCheckpoint> {
  return store.commits.run(async (transaction) => {
    const kept = await assertFollows(transaction, statementKey)
    const frontier = await readFrontier(transaction)
    if (kept !== undefined && frontier.size - kept.checkpoint.size < rowsMin) return kept
    const checkpoint = { origin: custodianLogOrigin(statementKey.publicKey), size: frontier.size, root: frontier.root() }
    const note = signCheckpoint(checkpoint, statementKey)
    await transaction.run(
      'INSERT INTO log_checkpoints (size, note, signed_at_ms) VALUES (?, ?, ?)', checkpoint.size, note, clock.nowMs())
    return { checkpoint, note }
  })
}

/**
 * Proves to itself that the log goes on from the last checkpoint that was kept.
 * @returns that checkpoint, or `undefined` where none was signed yet
 * @throws Fault `custodian/unavailable` where it does not
 */
export async function assertFollows(store: Reading, { publicKey }: StatementKey): Promise<KeptCheckpoint | undefined> {
  const row = await store.get('SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1')
  if (row === undefined) return undefined
  const note = String(row['note'])
  const checkpoint = openCheckpoint(note, { origin: custodianLogOrigin(publicKey), publicKey })
  if (checkpoint === undefined) throw new Fault('custodian/unavailable', 'a checkpoint of the log is not ours')
  const frontier = await readFrontier(store)
  const { size } = frontier
  const proof = size < checkpoint.size ? undefined
    : await proveConsistency(logNodes(store), { from: checkpoint.size, to: size })
  if (proof !== undefined && verifyConsistency({ first: checkpoint, second: { size, root: frontier.root() }, proof })) {
    return { checkpoint, note }
  }
  throw new Fault('custodian/unavailable', `the log does not go on from its checkpoint of ${checkpoint.size} rows`)
}
