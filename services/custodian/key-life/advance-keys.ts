import type { MerchantKeyId } from '@ngome/kernel'
import type { Custodian } from '../custodian.ts'
import { findMerchantKey, merchantKeyLabel } from '../merchants/merchant-keys.ts'
import type { Transaction } from '../store/store.ts'
import { findLife, moveKey } from './key-life.ts'

/** Keys that one transaction moves on. */
const keysPerBatch = 256

/**
 * Moves on the merchant keys whose time has come: pending ones become active at their beginning, active ones decrypt-only
 * at their end. Their signed statements say when, so that a row that somebody changed moves nothing.
 */
export async function advanceKeys(custodian: Custodian): Promise<void> {
  const { clock, store } = custodian
  for (;;) {
    const nowMs = clock.nowMs()
    const rows = await store.all(
      `SELECT name FROM key_lives WHERE purpose = 'merchant' AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ?`,
      nowMs, keysPerBatch,
    )
    const due: { readonly id: MerchantKeyId; readonly notBeforeMs: number; readonly notAfterMs: number }[] = []
    for (const row of rows) {
      const id = row['name'] as MerchantKeyId
      due.push({ id, notBeforeMs: 0, notAfterMs: 0, ...await findMerchantKey(custodian, id) })
    }
    if (due.length > 0) {
      await store.commits.run(async (transaction) => {
        for (const key of due) await advance(transaction, key, nowMs)
      })
    }
    if (rows.length < keysPerBatch) return
  }
}

async function advance(
  transaction: Transaction, { id, notBeforeMs, notAfterMs }: {
    readonly id: MerchantKeyId; readonly notBeforeMs: number; readonly notAfterMs: number
  },
  nowMs: number,
): Promise<void> {
  const label = merchantKeyLabel(id)
  const state = (await findLife(transaction, label))?.state
  if (state !== 'pending' && state !== 'active') return
  if (notBeforeMs > nowMs) {
    const sql = 'UPDATE key_lives SET due_at_ms = ? WHERE purpose = ? AND name = ?'
    await transaction.run(sql, notBeforeMs, label.purpose, label.name)
    return
  }
  if (state === 'pending') await moveKey(transaction, label, { to: 'active', nowMs, dueAtMs: notAfterMs })
  if (notAfterMs <= nowMs) await moveKey(transaction, label, { to: 'decrypt-only', nowMs })
}
