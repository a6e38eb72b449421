import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { admitApproval } from './admit-approval.ts'
import { peopleNeeded } from './people-needed.ts'
import { findStaff, listStaff, retireStaffRow } from './staff-rows.ts'

/**
 * Retires a person, for ever, by others' approval: from then on his key approves nothing and his certificates are
 * nobody's. The last one stays, since nobody could be admitted after him.
 * @throws Refusal `custodian/refused`
 */
export async function retireStaff(
  custodian: Custodian, caller: ProvenCaller, { staff, approval }: ParsedRequest<'/v1/retire-staff'>,
): Promise<CustodianResponse<'/v1/retire-staff'>> {
  const { alarm, clock, rowTagKey, store: { commits } } = custodian
  if (approval === undefined) throw new Refusal('approval_missing', `retire ${staff}`)
  await commits.run(async (transaction) => {
    const person = await findStaff(transaction, rowTagKey, staff)
    if (person === undefined || person.retiredAtMs !== null) throw new Refusal('staff_unknown', staff)
    const others = (await listStaff(transaction, rowTagKey)).filter(({ id }) => id !== staff)
    if (!others.some(({ retiredAtMs }) => retiredAtMs === null)) throw new Refusal('staff_last', staff)
    await admitApproval(custodian, transaction, approval, {
      operation: '/v1/retire-staff', parameters: { staff }, people: peopleNeeded(others), without: [staff],
    })
    await retireStaffRow(transaction, rowTagKey, person, clock.nowMs())
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/retire-staff', outcome: 'allowed', reason: '',
      subject: `${staff} ${person.name}`,
    })
  })
  alarm({ what: 'staff_retired', caller: callerName(caller), subject: staff })
  return {}
}
