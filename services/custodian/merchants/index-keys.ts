import { Fault, type Secret, type Tenant } from '@ngome/kernel'
import { lifeOf, type KeyLife } from '../key-life/key-life.ts'
import type { Custodian } from '../custodian.ts'
import type { KeyLabel } from '../root-keys/root-key.ts'
import type { Reading } from '../store/store.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { tenantName } from './tenants.ts'

/** A tenant's index keys are a chain: what the first made the second goes on with. All are needed, and end together. */
export type IndexKey = { readonly generation: number; readonly life: KeyLife }

export function indexKeyLabel(tenant: Tenant, generation = 1): KeyLabel {
  const name = tenantName(tenant)
  return { purpose: 'index', name: generation === 1 ? name : `${name}/g${generation}` }
}

/** Whose index key a life is of. */
export function indexTenantOf({ name }: Pick<KeyLife, 'name'>): Tenant {
  const [merchant, world] = name.split('/')
  return { merchant, world } as Tenant
}

/** The living keys of a tenant's chain, the first one first. */
export async function findIndexKeys(store: Reading, tenant: Tenant): Promise<readonly IndexKey[]> {
  const first = tenantName(tenant)
  const rows = await store.all(
    `SELECT * FROM key_lives WHERE purpose = 'index' AND (name = ? OR (name >= ? AND name < ?)) AND state <> 'destroyed'`,
    first, `${first}/g`, `${first}/h`,
  )
  const keys = rows.map(lifeOf).map((life) => ({ life, generation: life.name === first ? 1 : Number(life.name.slice(`${first}/g`.length)) }))
    .sort((a, b) => a.generation - b.generation)
  // With a gap every value would get an index that no other way leads to.
  if (keys.length > 0 && keys.every(({ generation }, at) => generation === at + 1)) return keys
  throw new Fault('custodian/key_unusable', `the index keys of ${first} are no chain`)
}

/** Uses the keys of a chain from a generation on, in order. @returns what the last use gave, and how many there were */
export async function alongChain<T>(
  { store, root }: Pick<Custodian, 'store' | 'root'>, tenant: Tenant, after: number, value: T,
  use: (value: T, key: Secret<Uint8Array>, generation: number) => T,
): Promise<{ readonly value: T; readonly generation: number }> {
  const keys = await findIndexKeys(store, tenant)
  let result = value
  for (const { generation } of keys) {
    if (generation <= after) continue
    const key = await unwrapKey({ store, root }, indexKeyLabel(tenant, generation))
    try {
      result = use(result, key, generation)
    } finally {
      key.expose((bytes) => bytes.fill(0))
    }
  }
  return { value: result, generation: keys.length }
}
