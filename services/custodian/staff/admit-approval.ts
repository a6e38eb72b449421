import { createHash, verify } from 'node:crypto'
import {
  approvalBytes, approvalLifeMsMax, canonicalJson, parseApprovalRequest, type Approval, type ApprovalRequest,
  type CustodianPath,
} from '@ngome/contracts'
import { parseBase64Url, toBase64Url, type JsonValue, type StaffId } from '@ngome/kernel'
import { parsePublicKeyText } from '@ngome/runtime'
import { clockSkewMs } from '../authority/authority.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import type { Transaction } from '../store/store.ts'
import { findStaff } from './staff-rows.ts'

/** The call that needs approving, as the custodian itself is about to do it. */
export type ApprovedCall = {
  readonly operation: CustodianPath
  /** The call's whole request, but for the approval. */
  readonly parameters: { readonly [name: string]: JsonValue }
  /** How many different people must have signed. */
  readonly people: number
  /** Whose signature does not count here: who is concerned does not judge his own case. */
  readonly without?: readonly StaffId[]
}

/**
 * Admits an approval for one call, and uses it up: in the transaction of the effect, so that either both stand or
 * neither. One signature that does not hold refuses the whole: an approval with a forged name on it is an attack.
 * @returns who approved, in the order of the signatures
 * @throws Refusal `custodian/refused`
 */
export async function admitApproval(
  { clock, rowTagKey }: Pick<Custodian, 'clock' | 'rowTagKey'>, transaction: Transaction,
  approval: Approval, call: ApprovedCall,
): Promise<readonly StaffId[]> {
  const request = parseApprovalRequest(approval.request)
  if (request === undefined) throw new Refusal('approval_malformed', call.operation)
  const signers: StaffId[] = []
  for (const { staff, signature } of approval.signatures) {
    if (signers.includes(staff)) throw new Refusal('approval_repeated', `${call.operation} ${staff}`)
    const person = await findStaff(transaction, rowTagKey, staff)
    if (person === undefined) throw new Refusal('approval_staff_unknown', `${call.operation} ${staff}`)
    if (person.retiredAtMs !== null) throw new Refusal('approval_staff_retired', `${call.operation} ${staff}`)
    if (!isSignedBy(person.publicKey, approval.request, signature)) {
      throw new Refusal('approval_forged', `${call.operation} ${staff}`)
    }
    signers.push(staff)
  }
  const nowMs = clock.nowMs()
  checkRequest(request, call, nowMs)
  const counted = signers.filter((staff) => call.without?.includes(staff) !== true)
  if (counted.length < call.people) {
    throw new Refusal('approval_not_enough', `${call.operation} ${counted.length}/${call.people}`)
  }
  const sql = 'INSERT INTO approvals (nonce, request, signatures, used_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
  const changes = await transaction.run(
    sql, request.nonce, approval.request, canonicalJson(approval.signatures), nowMs,
  )
  if (changes === 0) throw new Refusal('approval_used', `${call.operation} ${signers.join(' ')}`)
  await appendLog(transaction, clock, {
    caller: signers.join(' '), operation: 'approval', outcome: 'allowed', reason: '',
    subject: `${call.operation} sha256=${hashOf(approval.request)}: ${request.reason}`,
  })
  return signers
}

/** Each call is approved for itself: what two people allowed for one record, key or person allows no other. */
function checkRequest(request: ApprovalRequest, call: ApprovedCall, nowMs: number): void {
  if (request.operation !== call.operation || canonicalJson(request.parameters) !== canonicalJson(call.parameters)) {
    throw new Refusal('approval_of_another_call', `${call.operation} approved=${request.operation}`)
  }
  const expiresAtMs = Date.parse(request.expires_at)
  if (expiresAtMs <= nowMs) throw new Refusal('approval_expired', call.operation)
  if (expiresAtMs > nowMs + approvalLifeMsMax + clockSkewMs) throw new Refusal('approval_too_long_lived', call.operation)
}

function isSignedBy(publicKeyOfPerson: string, request: string, signature: string): boolean {
  const publicKey = parsePublicKeyText(publicKeyOfPerson)
  const bytes = parseBase64Url(signature)
  return publicKey !== undefined && bytes !== undefined && verify(null, approvalBytes(request), publicKey, bytes)
}

function hashOf(request: string): string {
  return toBase64Url(createHash('sha256').update(request, 'utf8').digest())
}
