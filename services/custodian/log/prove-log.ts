import { proveConsistency, proveInclusion } from '@ngome/audit'
import type { CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import type { Custodian } from '../custodian.ts'
import { keepCheckpoint } from './keep-checkpoint.ts'
import { logNodes } from './log-nodes.ts'

type Question = NonNullable<CustodianRequest<'/v1/openings'>['prove']>
type Proof = NonNullable<CustodianResponse<'/v1/openings'>['proof']>

/**
 * A checkpoint of the present log, and proofs of what the caller asks within it. What cannot be proven is null, for the
 * caller to be alarmed at: he kept a checkpoint, or saw a row, that this log does not reach.
 */
export async function proveLog(custodian: Custodian, { since, sequence }: Question): Promise<Proof> {
  const { checkpoint: { size }, note } = await keepCheckpoint(custodian)
  const source = logNodes(custodian.store)
  const consistency = since === undefined || since > size ? null : await proveConsistency(source, { from: since, to: size })
  const inclusion = sequence === undefined || sequence > size ? null : await proveInclusion(source, { index: sequence - 1, size })
  return { checkpoint: note, consistency: texts(consistency), inclusion: texts(inclusion) }
}

function texts(hashes: readonly Uint8Array[] | null): string[] | null {
  return hashes === null ? null : hashes.map(toBase64Url)
}
