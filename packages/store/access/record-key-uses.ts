import type { ApiKeyId } from '@ngome/kernel'
import type { Database } from '../database.ts'
import { guarded } from '../store-fault.ts'

export type KeyUse = {
  readonly key: ApiKeyId
  readonly atMs: number
  /** CIDR. */
  readonly network: string
  /** As the client calls itself, at most 100 characters. */
  readonly agent: string
}

/**
 * Notes when keys were used last; what is older than what stands changes nothing.
 * @throws Fault `store/unavailable`
 */
export async function recordKeyUses(db: Database, uses: readonly KeyUse[]): Promise<void> {
  await guarded(() => db.pool.query({
    name: 'record_api_key_uses',
    text: 'SELECT ngome.record_api_key_uses($1, $2, $3, $4)',
    values: [
      uses.map(({ key }) => key), uses.map(({ atMs }) => new Date(atMs)), uses.map(({ network }) => network),
      uses.map(({ agent }) => agent),
    ],
  }))
}
