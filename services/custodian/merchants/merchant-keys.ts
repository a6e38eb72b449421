import type { DatabaseSync } from 'node:sqlite'
import { retentionClasses } from '@ngome/contracts'
import {
  dataKeySuite, generateMerchantKeyPair, signStatement, verifyStatement, type VerifiedStatement,
} from '@ngome/envelope'
import { Fault, newId, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { appendLog } from '../log/append-log.ts'
import type { Custodian } from '../custodian.ts'
import type { KeyLabel } from '../root-keys/root-key.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { periodGraceMs } from './periods.ts'
import { tenantName } from './tenants.ts'

/** A key pair that was made but is not kept yet. */
export type NewMerchantKey = {
  readonly id: MerchantKeyId
  readonly slot: KeySlot
  readonly statement: Uint8Array
  readonly wrapped: Uint8Array
}

/** There is one merchant key for each of these. */
export type KeySlot = { readonly tenant: Tenant; readonly retention: string; readonly period: number }

export function merchantKeyLabel(id: MerchantKeyId): KeyLabel {
  return { purpose: 'merchant', name: id }
}

/** Every slot of these tenants and periods. */
export function keySlots(tenants: readonly Tenant[], periods: readonly number[]): readonly KeySlot[] {
  return tenants.flatMap((tenant) => periods.flatMap((period) => retentionClasses.map((retention) => ({
    tenant, retention, period,
  }))))
}

export async function makeMerchantKey(
  { clock, random, root, settings, statementKey }: Custodian, slot: KeySlot,
): Promise<NewMerchantKey> {
  const id = newId('merchantKey', { clock, random })
  const { publicKey, privateKey } = await generateMerchantKeyPair()
  const notBeforeMs = slot.period * settings.merchantKeyPeriodMs
  const statement = signStatement({
    keyId: id, tenant: slot.tenant, retention: slot.retention, period: slot.period, suite: dataKeySuite, publicKey,
    notBeforeMs, notAfterMs: notBeforeMs + settings.merchantKeyPeriodMs + periodGraceMs,
  }, statementKey.privateKey)
  return { id, slot, statement, wrapped: await root.wrap(merchantKeyLabel(id), privateKey) }
}

/**
 * Keeps a merchant key where its slot is still empty: of two that were made at once, the first to commit is the one.
 * Only inside a work of the commit queue.
 */
export function insertMerchantKey({ store: { db }, clock }: Custodian, caller: string, key: NewMerchantKey): void {
  const { id, slot: { tenant, retention, period }, statement, wrapped } = key
  const { changes } = db.prepare(`
    INSERT INTO merchant_keys (id, merchant, world, retention, period, statement, created_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
  `).run(id, tenant.merchant, tenant.world, retention, period, statement, clock.nowMs())
  if (changes === 0) return
  insertWrappedKey(db, clock, merchantKeyLabel(id), wrapped)
  appendLog(db, clock, {
    caller, operation: 'make-merchant-key', outcome: 'allowed', reason: '',
    subject: `${tenantName(tenant)}/${retention}/${period} ${id}`,
  })
}

/** @returns the signed statement of a slot, or `undefined` where it has no key yet */
export function findStatement(db: DatabaseSync, { tenant, retention, period }: KeySlot): Uint8Array | undefined {
  const row = db.prepare(`
    SELECT statement FROM merchant_keys WHERE merchant = ? AND world = ? AND retention = ? AND period = ?
  `).get(tenant.merchant, tenant.world, retention, period)
  return row === undefined ? undefined : row['statement'] as Uint8Array
}

/**
 * @returns what this custodian once signed of a merchant key, or `undefined` where there is no such key
 * @throws Fault `custodian/key_unusable` where the row does not hold its own statement: somebody wrote in the store
 */
export function findMerchantKey(
  { store: { db }, statementKey }: Custodian, id: MerchantKeyId,
): VerifiedStatement | undefined {
  const row = db.prepare('SELECT statement FROM merchant_keys WHERE id = ?').get(id)
  if (row === undefined) return undefined
  const statement = verifyOwnStatement(row['statement'] as Uint8Array, statementKey)
  if (statement.keyId === id) return statement
  throw new Fault('custodian/key_unusable', `the row of ${id} holds another key's statement`)
}

/** @throws Fault `custodian/key_unusable` where the statement is not one that this custodian signed */
export function verifyOwnStatement(bytes: Uint8Array, { publicKey }: Custodian['statementKey']): VerifiedStatement {
  try {
    return verifyStatement(bytes, publicKey)
  } catch (cause) {
    throw new Fault('custodian/key_unusable', 'a row holds a statement that this custodian did not sign', { cause })
  }
}
