import { retentionClasses } from '@ngome/contracts'
import {
  generateMerchantKeyPair, signStatement, verifyStatement, type VerifiedStatement,
} from '@ngome/envelope'
import { Fault, newId, type MerchantKeyId, type Tenant } from '@ngome/kernel'
import { followRoot } from '../key-life/follow-root.ts'
import { moveKey } from '../key-life/key-life.ts'
import { appendLog } from '../log/append-log.ts'
import type { Custodian } from '../custodian.ts'
import type { KeyLabel } from '../root-keys/root-key.ts'
import type { Reading, Transaction } from '../store/store.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { periodGraceMs } from './periods.ts'
import { tenantName } from './tenants.ts'

/** A key pair that was made but is not kept yet. */
export type NewMerchantKey = {
  readonly id: MerchantKeyId
  readonly slot: KeySlot
  readonly statement: Uint8Array
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly wrapped: Uint8Array
}

/** There is one merchant key for each of these, of whichever suite was selected when it was made. */
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

export async function makeMerchantKey(custodian: Custodian, slot: KeySlot): Promise<NewMerchantKey> {
  const { clock, random, root, settings, statementKey } = custodian
  await followRoot(custodian)
  const id = newId('merchantKey', { clock, random })
  const suite = settings.merchantKeySuite
  const { publicKey, privateKey } = await generateMerchantKeyPair(suite)
  const notBeforeMs = slot.period * settings.merchantKeyPeriodMs
  const notAfterMs = notBeforeMs + settings.merchantKeyPeriodMs + periodGraceMs
  const statement = signStatement({
    keyId: id, tenant: slot.tenant, retention: slot.retention, period: slot.period, suite, publicKey,
    notBeforeMs, notAfterMs,
  }, statementKey.privateKey)
  return { id, slot, statement, notBeforeMs, notAfterMs, wrapped: await root.wrap(merchantKeyLabel(id), privateKey) }
}

/** Keeps a merchant key where its slot has none to seal to: of two that were made at once, the first to commit is the one. */
export async function insertMerchantKey(
  transaction: Transaction, { clock }: Custodian, caller: string, key: NewMerchantKey,
): Promise<void> {
  const { id, slot, statement, notBeforeMs, notAfterMs, wrapped } = key
  const { tenant, retention, period } = slot
  if (await findStatement(transaction, slot) !== undefined) return
  const nowMs = clock.nowMs()
  await insertWrappedKey(transaction, clock, merchantKeyLabel(id), wrapped, Math.max(notBeforeMs, nowMs))
  if (notBeforeMs <= nowMs) await moveKey(transaction, merchantKeyLabel(id), { to: 'active', nowMs, dueAtMs: notAfterMs })
  const last = await transaction.get(
    `SELECT max(generation) AS last FROM merchant_keys
     WHERE merchant = ? AND world = ? AND retention = ? AND period = ?`,
    tenant.merchant, tenant.world, retention, period,
  )
  await transaction.run(
    `INSERT INTO merchant_keys (id, merchant, world, retention, period, generation, statement, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    id, tenant.merchant, tenant.world, retention, period, Number(last?.['last'] ?? 0) + 1, statement, nowMs,
  )
  await appendLog(transaction, clock, {
    caller, operation: 'make-merchant-key', outcome: 'allowed', reason: '',
    subject: `${tenantName(tenant)}/${retention}/${period} ${id}`,
  })
}

/** @returns the signed statement of the key that a slot's data keys are sealed to, or `undefined` where it has none */
export async function findStatement(store: Reading, slot: KeySlot): Promise<Uint8Array | undefined> {
  return (await findSlotKey(store, slot))?.statement
}

/** @returns the key of a slot that is pending or active; there is one at most */
export async function findSlotKey(
  store: Reading, { tenant, retention, period }: KeySlot,
): Promise<{ readonly id: MerchantKeyId; readonly statement: Uint8Array } | undefined> {
  const row = await store.get(
    `SELECT k.id, k.statement FROM merchant_keys k JOIN key_lives l ON l.purpose = 'merchant' AND l.name = k.id
     WHERE k.merchant = ? AND k.world = ? AND k.retention = ? AND k.period = ? AND l.state IN ('pending', 'active')`,
    tenant.merchant, tenant.world, retention, period,
  )
  return row === undefined ? undefined : { id: row['id'] as MerchantKeyId, statement: row['statement'] as Uint8Array }
}

/**
 * @returns what this custodian once signed of a merchant key, or `undefined` where there is no such key
 * @throws Fault `custodian/key_unusable` where the row does not hold its own statement: somebody wrote in the store
 */
export async function findMerchantKey(
  { store, statementKey }: Custodian, id: MerchantKeyId,
): Promise<VerifiedStatement | undefined> {
  const row = await store.get('SELECT statement FROM merchant_keys WHERE id = ?', id)
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
