import { fingerprintsMax, parseFingerprint } from '@ngome/contracts'
import type { Tenant } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { countOlderFingerprints, findOlderFingerprints, replaceFingerprints, type Database } from '@ngome/store'
import { advance } from '../custodian/compute-fingerprint.ts'

type Ports = { readonly db: Database; readonly custodian: Pick<CustodianClient, 'call'> }

/**
 * Takes the fingerprints of merchants whose index key was replaced on to the new one, from what is kept of them; no
 * token is opened. Killed anywhere it goes on: what was taken on is not found again, and nothing is taken on twice.
 * @throws Fault `custodian/unavailable`, `custodian/refused` or `store/unavailable`, after which the next look goes on
 */
export async function advanceFingerprints(ports: Ports, signal: AbortSignal): Promise<void> {
  const { rotations } = await ports.custodian.call('/v1/index-rotations', {})
  for (const { generation, merchant, world } of rotations) {
    if (signal.aborted) return
    await advanceTenant(ports, { merchant, world }, generation, signal)
  }
}

async function advanceTenant({ db, custodian }: Ports, tenant: Tenant, generation: number, signal: AbortSignal): Promise<void> {
  let left = await countOlderFingerprints(db, tenant, generation)
  while (!signal.aborted) {
    const older = await findOlderFingerprints(db, tenant, generation, fingerprintsMax)
    if (older === undefined) break
    const digests = older.rows.map(({ fingerprint }) => digestOf(fingerprint))
    const after = await advance(custodian, tenant, { generation: older.generation, fingerprints: digests, left })
    const replaced = await replaceFingerprints(db, tenant, older.rows.map(({ id, fingerprint }, at) => ({
      id, before: fingerprint, after: after[at] ?? fingerprint,
    })))
    left = Math.max(0, left - replaced)
  }
  // Counted anew: others may have written meanwhile, and the rotation must not end before all are there.
  await custodian.call('/v1/index-progress', { ...tenant, left: await countOlderFingerprints(db, tenant, generation) })
}

function digestOf(fingerprint: string): string {
  const parsed = parseFingerprint(fingerprint)
  if (parsed === undefined) throw new TypeError('the table keeps fingerprints only')
  return parsed.digest
}
