import { verify } from 'node:crypto'
import { staffAdmissionBytes, type CustodianResponse } from '@ngome/contracts'
import { newId, parseBase64Url, type StaffId } from '@ngome/kernel'
import { parsePublicKeyText } from '@ngome/runtime'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import type { Transaction } from '../store/store.ts'
import { admitApproval } from './admit-approval.ts'
import { peopleNeeded } from './people-needed.ts'
import { hasStaff, insertStaff, listStaff } from './staff-rows.ts'

type Request = ParsedRequest<'/v1/admit-staff'>

/**
 * Admits a person who has shown that the key is his. The first needs nobody's approval: he is the one who set this
 * custodian up, and there is nobody to ask. Whoever was ever admitted counts, so that this happens once.
 * @throws Refusal `custodian/refused`
 */
export async function admitStaff(
  custodian: Custodian, caller: ProvenCaller, request: Request,
): Promise<CustodianResponse<'/v1/admit-staff'>> {
  const { alarm, clock, random, rowTagKey, store: { commits } } = custodian
  const { name, publicKey } = request
  if (!isProven(request)) throw new Refusal('staff_key_refused', name)
  const id = newId('staff', { clock, random })
  await commits.run(async (transaction) => {
    const admittedBy = await approvers(custodian, transaction, request)
    const staff = { id, name, publicKey, admittedBy, admittedAtMs: clock.nowMs() }
    if (!await insertStaff(transaction, rowTagKey, staff)) throw new Refusal('staff_key_refused', name)
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/admit-staff', outcome: 'allowed', reason: '', subject: `${id} ${name}`,
    })
  })
  alarm({ what: 'staff_admitted', caller: callerName(caller), subject: `${id} ${name}` })
  return { staff: id }
}

async function approvers(
  custodian: Custodian, transaction: Transaction, { approval, ...parameters }: Request,
): Promise<readonly StaffId[]> {
  if (!await hasStaff(transaction)) return []
  if (approval === undefined) throw new Refusal('approval_missing', `admit ${parameters.name}`)
  const people = peopleNeeded(await listStaff(transaction, custodian.rowTagKey))
  return admitApproval(custodian, transaction, approval, { operation: '/v1/admit-staff', parameters, people })
}

function isProven({ name, publicKey, proof }: Request): boolean {
  const key = parsePublicKeyText(publicKey)
  const signature = parseBase64Url(proof)
  return key !== undefined && signature !== undefined && verify(null, staffAdmissionBytes(name, publicKey), key, signature)
}
