import type { RotationId, Tenant } from '@ngome/kernel'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { findIndexKeys } from '../merchants/index-keys.ts'
import { merchantKeyLabel } from '../merchants/merchant-keys.ts'
import { tenantName } from '../merchants/tenants.ts'
import type { RootKey } from '../root-keys/root-key.ts'
import type { Transaction } from '../store/store.ts'
import { certifyDestruction } from './certify-destruction.ts'
import { findDestructions, type Destruction } from './destructions.ts'
import { findLife, moveKey, type LifeLabel } from './key-life.ts'
import { beginRootRotation } from './rotate-root.ts'

/**
 * Begins what is due: one transaction deletes the keys and puts the root above them in its last days, so that there is
 * no moment in which one is true without the other.
 * @param successor a root that people brought; without one it is made, where it can be
 * @returns whether anything began
 * @throws Refusal `root_has_no_successor`, `rotation_running`: then nothing was deleted
 */
export async function beginDueDestructions(custodian: Custodian, successor?: RootKey): Promise<boolean> {
  const { clock, dataKeys, store, succession } = custodian
  const due = await findDestructions(store, 'waiting', clock.nowMs())
  if (due.length === 0) return false
  if (succession.awaits !== null && successor === undefined) {
    for (const { id } of due) tellOnce(custodian, id)
    return false
  }
  await beginRootRotation(custodian, {
    caller: 'custodian', cause: 'destruction', successor,
    along: async (transaction, rotation) => {
      for (const destruction of await findDestructions(transaction, 'waiting', clock.nowMs())) {
        await deleteKeys(custodian, transaction, destruction, rotation)
      }
    },
  })
  dataKeys.clear()
  return true
}

/** Of which destructions it was told that they wait; anew after a start. */
const told = new WeakMap<Custodian['store'], Set<string>>()

function tellOnce({ alarm, store, succession }: Custodian, id: string): void {
  const ids = told.get(store) ?? new Set()
  told.set(store, ids)
  if (ids.has(id)) return
  ids.add(id)
  alarm({ what: 'destruction_awaits_root', caller: 'custodian', subject: `${id} is due, and awaits the ${succession.awaits}: nothing is deleted before the root has a successor` })
}

/** Certifies what was deleted and whose old root is gone. */
export async function certifyDestructions(custodian: Custodian): Promise<void> {
  for (const destruction of await findDestructions(custodian.store, 'deleted')) await certifyDestruction(custodian, destruction)
}

async function deleteKeys(
  { clock }: Custodian, transaction: Transaction, { id, tenant, merchantKey }: Destruction, rotation: RotationId,
): Promise<void> {
  const nowMs = clock.nowMs()
  const labels = merchantKey === null ? await labelsOf(transaction, tenant) : [merchantKeyLabel(merchantKey)]
  const destroyed: string[] = []
  for (const label of labels) {
    const state = (await findLife(transaction, label))?.state
    // Two destructions may name one key: the first to come has it.
    if (state === 'destroyed') continue
    if (state === 'active') await moveKey(transaction, label, { to: 'decrypt-only', nowMs })
    await moveKey(transaction, label, { to: 'destroyed', nowMs })
    await transaction.run('DELETE FROM wrapped_keys WHERE purpose = ? AND name = ?', label.purpose, label.name)
    destroyed.push(`${label.purpose}/${label.name}`)
  }
  if (merchantKey === null) {
    const sql = 'INSERT INTO ended_tenants (merchant, world, ended_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    await transaction.run(sql, tenant.merchant, tenant.world, nowMs)
  }
  await transaction.run(
    `UPDATE destructions SET state = 'deleted', deleted_at_ms = ?, destroyed_keys = ?, rotation = ? WHERE id = ?`,
    nowMs, destroyed.join(' '), rotation, id,
  )
  await appendLog(transaction, clock, {
    caller: 'custodian', operation: 'destroy-merchant-keys', outcome: 'allowed', reason: '',
    subject: `${id} ${tenantName(tenant)} keys=${destroyed.length} ${rotation}`,
  })
}

async function labelsOf(transaction: Transaction, tenant: Tenant): Promise<readonly LifeLabel[]> {
  const rows = await transaction.all(
    'SELECT id FROM merchant_keys WHERE merchant = ? AND world = ? ORDER BY id', tenant.merchant, tenant.world,
  )
  const indexKeys = await findIndexKeys(transaction, tenant)
  return [...rows.map((row): LifeLabel => ({ purpose: 'merchant', name: String(row['id']) })), ...indexKeys.map(({ life }) => life)]
}
