import type { CustodianResponse } from '@ngome/contracts'
import { newId, Secret, type RotationId, type Tenant } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { followRoot } from '../key-life/follow-root.ts'
import { lifeOf, moveKey } from '../key-life/key-life.ts'
import { endRotation, insertRotation, rotationOf, type Rotation, type RotationCause } from '../key-life/rotations.ts'
import { appendLog } from '../log/append-log.ts'
import type { Reading, Transaction } from '../store/store.ts'
import { insertWrappedKey } from '../store/wrapped-keys.ts'
import { findIndexKeys, indexKeyLabel, indexTenantOf } from './index-keys.ts'
import { isRegistered, tenantName } from './tenants.ts'

const indexKeyBytes = 32
/** A job that computed a fingerprint under the key before has written it, or has ended without, by then. */
const jobsEndWithinMs = 600_000
/** Tenants that the dispatcher works on between two looks. */
const tenantsMax = 64
/** Keys that the policy replaces in one look. */
const dueMax = 16

/**
 * Adds a key to a tenant's chain on demand. New fingerprints go through it at once; the dispatcher takes the others on.
 * @throws Refusal `custodian/refused`
 */
export async function rotateIndexKey(
  custodian: Custodian, caller: ProvenCaller, { merchant, world, compromised }: ParsedRequest<'/v1/rotate-index-key'>,
): Promise<CustodianResponse<'/v1/rotate-index-key'>> {
  const rotation = await beginIndexRotation(custodian, { merchant, world }, {
    caller: callerName(caller), cause: compromised ? 'compromise' : 'demand',
  })
  return { rotation }
}

/** The tenants whose fingerprints are being taken on, and to which generation. */
export async function listIndexRotations({ store }: Custodian): Promise<CustodianResponse<'/v1/index-rotations'>> {
  const rows = await store.all(
    `SELECT subject FROM rotations WHERE level = 'index' AND state = 'running' ORDER BY started_at_ms, id LIMIT ?`, tenantsMax,
  )
  const rotations: CustodianResponse<'/v1/index-rotations'>['rotations'] = []
  for (const row of rows) {
    const tenant = indexTenantOf({ name: String(row['subject']) })
    if (!await isRegistered(store, tenant)) continue
    rotations.push({ ...tenant, generation: (await findIndexKeys(store, tenant)).length })
  }
  return { rotations }
}

/** Hears from the dispatcher how many fingerprints of older keys it still sees; at none the rotation may end. */
export async function noteIndexProgress(
  { store }: Custodian, { merchant, world, left }: ParsedRequest<'/v1/index-progress'>,
): Promise<CustodianResponse<'/v1/index-progress'>> {
  await store.commits.run((transaction) => noteFingerprintsLeft(transaction, { merchant, world }, left))
  return {}
}

export async function noteFingerprintsLeft(transaction: Transaction, tenant: Tenant, left: number): Promise<void> {
  const rotation = await findRunning(transaction, tenant)
  if (rotation === undefined) return
  const total = Math.max(rotation.total, left)
  await transaction.run('UPDATE rotations SET total = ?, done = ?, is_counted = 1 WHERE id = ?', total, total - left, rotation.id)
}

/** Ends rotations in which nothing is left, and begins those that the policy asks for. */
export async function workOnIndexKeys(custodian: Custodian): Promise<void> {
  const { clock, settings, store } = custodian
  const nowMs = clock.nowMs()
  const over = await store.all(
    `SELECT * FROM rotations WHERE level = 'index' AND state = 'running' AND started_at_ms <= ?`, nowMs - jobsEndWithinMs,
  )
  for (const row of over) {
    const rotation = rotationOf(row)
    const isEnded = !await isRegistered(store, indexTenantOf({ name: rotation.subject }))
    if (!isEnded && (Number(row['is_counted']) === 0 || rotation.done < rotation.total)) continue
    await store.commits.run((transaction) => endRotation(transaction, rotation.id, nowMs))
  }
  const due = await store.all(
    `SELECT * FROM key_lives l WHERE purpose = 'index' AND state = 'active' AND active_at_ms <= ? ORDER BY active_at_ms LIMIT ?`,
    nowMs - settings.keyPolicy.indexAgeMsMax, dueMax,
  )
  for (const life of due.map(lifeOf)) {
    const tenant = indexTenantOf(life)
    if (await findRunning(store, tenant) === undefined) await beginIndexRotation(custodian, tenant, { caller: 'custodian', cause: 'policy' })
  }
}

async function beginIndexRotation(
  custodian: Custodian, tenant: Tenant,
  { caller, cause }: { readonly caller: string; readonly cause: Extract<RotationCause, 'demand' | 'policy' | 'compromise'> },
): Promise<RotationId> {
  const { clock, random, root, store } = custodian
  const subject = tenantName(tenant)
  if (!await isRegistered(store, tenant)) throw new Refusal('tenant_unknown', subject)
  await followRoot(custodian)
  const generation = (await findIndexKeys(store, tenant)).length + 1
  const label = indexKeyLabel(tenant, generation)
  const value = random.bytes(indexKeyBytes)
  const wrapped = await root.wrap(label, new Secret(value))
  value.fill(0)
  const id = newId('rotation', { clock, random })
  await store.commits.run(async (transaction) => {
    const keys = await findIndexKeys(transaction, tenant)
    if (await findRunning(transaction, tenant) !== undefined || keys.length + 1 !== generation) throw new Refusal('rotation_running', subject)
    const nowMs = clock.nowMs()
    await moveKey(transaction, indexKeyLabel(tenant, generation - 1), { to: cause === 'compromise' ? 'compromised' : 'decrypt-only', nowMs })
    await insertWrappedKey(transaction, clock, label, wrapped)
    await insertRotation(transaction, { id, level: 'index', subject, cause, total: 0, startedAtMs: nowMs })
    await appendLog(transaction, clock, {
      caller, operation: 'rotate-index-key', outcome: 'allowed', reason: '', subject: `${id} ${cause} ${subject} to generation ${generation}`,
    })
  })
  return id
}

async function findRunning(store: Reading, tenant: Tenant): Promise<Rotation | undefined> {
  const row = await store.get(`SELECT * FROM rotations WHERE level = 'index' AND state = 'running' AND subject = ?`, tenantName(tenant))
  return row === undefined ? undefined : rotationOf(row)
}
