import { rotatableSecretNames, type CustodianResponse } from '@ngome/contracts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { indexTenantOf } from '../merchants/index-keys.ts'
import { verifyOwnStatement } from '../merchants/merchant-keys.ts'
import { tenantName } from '../merchants/tenants.ts'
import { secretPolicy } from '../secrets/secret-policies.ts'
import { lifeOf, type KeyLife } from './key-life.ts'
import type { KeyPolicy } from './key-policy.ts'

/** Keys on a page: some 200 KB of JSON. */
const keysPerPage = 500

/** Lists every key that ever was, where it stands and since when; never a key. */
export async function listKeys(
  { store, root, settings, statementKey }: Custodian, { after }: ParsedRequest<'/v1/key-inventory'>,
): Promise<CustodianResponse<'/v1/key-inventory'>> {
  const rows = await store.all(
    `SELECT l.*, k.merchant, k.world, k.statement FROM key_lives l LEFT JOIN merchant_keys k ON l.purpose = 'merchant' AND k.id = l.name
     WHERE (l.purpose, l.name) > (?, ?) ORDER BY l.purpose, l.name LIMIT ?`,
    after?.purpose ?? '', after?.name ?? '', keysPerPage,
  )
  return {
    root: { ...root.describe(), ageSMax: Math.floor(settings.keyPolicy.rootAgeMsMax / 1_000) },
    keys: rows.map((row) => {
      const life = lifeOf(row)
      const tenant = row['merchant'] === null ? null : `${String(row['merchant'])}/${String(row['world'])}`
      return {
        purpose: life.purpose,
        name: life.name,
        tenant: life.purpose === 'index' ? tenantName(indexTenantOf(life)) : tenant,
        suite: row['statement'] === null ? null : verifyOwnStatement(row['statement'] as Uint8Array, statementKey).suite,
        state: life.state,
        createdAt: new Date(life.createdAtMs).toISOString(),
        activeAt: dateText(life.activeAtMs),
        decryptOnlyAt: dateText(life.decryptOnlyAtMs),
        compromisedAt: dateText(life.compromisedAtMs),
        destroyedAt: dateText(life.destroyedAtMs),
        nextRotationAt: dateText(nextRotationMs(life, settings.keyPolicy)),
      }
    }),
  }
}

function nextRotationMs({ purpose, name, state, activeAtMs, dueAtMs }: KeyLife, policy: KeyPolicy): number | null {
  if (state !== 'active') return null
  const ageMsMax = ageMsMaxOf(purpose, name, policy)
  return ageMsMax !== undefined && activeAtMs !== null ? activeAtMs + ageMsMax : dueAtMs
}

/** @returns how old the key may become; `undefined` where its age does not matter */
function ageMsMaxOf(purpose: string, name: string, policy: KeyPolicy): number | undefined {
  if (purpose === 'root') return policy.rootAgeMsMax
  if (purpose === 'index') return policy.indexAgeMsMax
  const secret = purpose === 'secret' ? rotatableSecretNames.find((one) => name.startsWith(`${one}/`)) : undefined
  if (purpose === 'authority') return policy.authorityAgeMsMax
  return secret === undefined ? undefined : secretPolicy(secret, policy).ageMsMax
}

function dateText(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString()
}
