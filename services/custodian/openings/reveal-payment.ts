import type { CustodianResponse } from '@ngome/contracts'
import { deriveRecordKey, encodeRecordContext, type ReadRecordContext } from '@ngome/envelope'
import { parseBase64Url, toBase64Url, type StaffId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { findDestroyedKeys } from '../key-life/destroyed-keys.ts'
import { appendLog } from '../log/append-log.ts'
import { tenantName } from '../merchants/tenants.ts'
import { admitApproval } from '../staff/admit-approval.ts'
import type { Transaction } from '../store/store.ts'
import { spend } from './budgets.ts'
import { checkOpening } from './check-opening.ts'
import { openDataKey } from './open-data-key.ts'
import { parseDataKey, saltBytes } from './presented-data-key.ts'
import { revealRule } from './purposes.ts'
import { recordSeenDataKeys } from './seen-data-keys.ts'

const hourMs = 3_600_000
const purpose = 'reveal'

/**
 * Derives the key of one payment's record, for people. Who approved it and why is in the log, and an alarm, before the
 * key leaves; the budgets are of all, of each person, and of the record.
 * @returns 64 bytes, the record's key and its commitment, and who approved
 * @throws Refusal `custodian/refused`
 */
export async function revealPayment(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/reveal'>,
): Promise<CustodianResponse<'/v1/reveal'>> {
  const { alarm, clock, dataKeys, store: { commits } } = custodian
  const { approval, merchant, world, payment } = request
  const tenant = { merchant, world }
  const record = `${tenantName(tenant)}/${revealRule.table}/${payment}`
  if (approval === undefined) throw new Refusal('approval_missing', record)
  const dataKey = parseDataKey(request.dataKey)
  // The data key's word for its suite; before it opens, it is held against the merchant key's own record.
  const { suite } = dataKey.parts
  const context: ReadRecordContext = {
    suite, tenant, table: revealRule.table, recordId: payment, dataClass: revealRule.dataClass, version: 1,
  }
  const salt = parseBase64Url(request.salt)
  if (salt?.length !== saltBytes) throw new Refusal('request_invalid', record)
  const reason = checkOpening(revealRule, caller, context, dataKey.parts, clock.nowMs())
  if (reason !== null) throw new Refusal(reason, record)
  const key = await dataKeys.get(dataKey.hash, () => openDataKey(custodian, dataKey.sealed, dataKey.parts))
  const staff = await commits.run(async (transaction) => {
    const { approval: _, ...parameters } = request
    const people = await admitApproval(custodian, transaction, approval, {
      operation: '/v1/reveal', parameters, people: revealRule.people,
    })
    const destroyed = await findDestroyedKeys(transaction, [dataKey.parts.merchantKeyId])
    if (destroyed.size > 0) throw new Refusal('merchant_key_destroyed', record)
    await spendBudgets(transaction, record, people, clock.nowMs())
    await recordSeenDataKeys(transaction, [dataKey.hash], clock.nowMs())
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/reveal', outcome: 'allowed', reason: '',
      subject: `${record} ${dataKey.parts.id} for ${people.join(' ')}`,
    })
    return people
  })
  alarm({ what: 'revealed', caller: callerName(caller), subject: `${record} for ${staff.join(' ')}` })
  return { key: toBase64Url(deriveRecordKey(key, encodeRecordContext(context, suite), salt)), staff: [...staff] }
}

async function spendBudgets(
  transaction: Transaction, record: string, people: readonly StaffId[], nowMs: number,
): Promise<void> {
  const { perHourMax, perPersonHourMax, perRecord } = revealRule
  const whole = { purpose, subject: '*', timesMax: perHourMax, windowMs: hourMs }
  if (!await spend(transaction, whole, nowMs)) throw new Refusal('purpose_budget_spent', purpose)
  for (const person of people) {
    const own = { purpose, subject: person, timesMax: perPersonHourMax, windowMs: hourMs }
    if (!await spend(transaction, own, nowMs)) throw new Refusal('person_budget_spent', `${purpose} ${person}`)
  }
  const ofRecord = { purpose, subject: record, ...perRecord }
  if (!await spend(transaction, ofRecord, nowMs)) throw new Refusal('record_budget_spent', `${purpose} ${record}`)
}
