import type { CustodianResponse } from '@ngome/contracts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'
import { verifyOwnStatement } from '../merchants/merchant-keys.ts'
import { lifeOf, type KeyLife } from './key-life.ts'

/** Keys on a page: some 200 KB of JSON. */
const keysPerPage = 500

/** Lists every key that ever was, where it stands and since when; never a key. */
export async function listKeys(
  { store, root, settings, statementKey }: Custodian, { after }: ParsedRequest<'/v1/key-inventory'>,
): Promise<CustodianResponse<'/v1/key-inventory'>> {
  const { rootAgeMsMax } = settings.keyPolicy
  const rows = await store.all(
    `SELECT l.*, k.merchant, k.world, k.statement FROM key_lives l LEFT JOIN merchant_keys k ON l.purpose = 'merchant' AND k.id = l.name
     WHERE (l.purpose, l.name) > (?, ?) ORDER BY l.purpose, l.name LIMIT ?`,
    after?.purpose ?? '', after?.name ?? '', keysPerPage,
  )
  return {
    root: { ...root.describe(), ageSMax: Math.floor(rootAgeMsMax / 1_000) },
    keys: rows.map((row) => {
      const life = lifeOf(row)
      const tenant = row['merchant'] === null ? null : `${String(row['merchant'])}/${String(row['world'])}`
      return {
        purpose: life.purpose,
        name: life.name,
        tenant: life.purpose === 'index' ? life.name : tenant,
        suite: row['statement'] === null ? null : verifyOwnStatement(row['statement'] as Uint8Array, statementKey).suite,
        state: life.state,
        createdAt: new Date(life.createdAtMs).toISOString(),
        activeAt: dateText(life.activeAtMs),
        decryptOnlyAt: dateText(life.decryptOnlyAtMs),
        compromisedAt: dateText(life.compromisedAtMs),
        destroyedAt: dateText(life.destroyedAtMs),
        nextRotationAt: dateText(nextRotationMs(life, rootAgeMsMax)),
      }
    }),
  }
}

function nextRotationMs({ purpose, state, activeAtMs, dueAtMs }: KeyLife, rootAgeMsMax: number): number | null {
  if (purpose === 'root') return state === 'active' && activeAtMs !== null ? activeAtMs + rootAgeMsMax : null
  return state === 'active' ? dueAtMs : null
}

function dateText(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString()
}
