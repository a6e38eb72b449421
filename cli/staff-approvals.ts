import { verify } from 'node:crypto'
import { approvalBytes, parseApprovalRequest, type CustodianResponse } from '@ngome/contracts'
import { parseBase64Url } from '@ngome/kernel'
import { parsePublicKeyText, type CustodianClient } from '@ngome/runtime'
import { exitCodes, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { printList } from './print-list.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

type Approval = CustodianResponse<'/v1/approvals'>['approvals'][number]
type Staff = CustodianResponse<'/v1/staff'>['staff']

export const staffApprovals: Command = {
  name: 'staff approvals',
  summary: 'List every approval that was used: who approved what, when and why. Each signature is checked again, here.',
  operands: [],
  options: personOptions,
  async run(context, given) {
    const person = await personOf(context, given)
    const { approvals, staff } = await withCustodian(context, readAll, { person, role: 'auditor' })
    const checked = approvals.map((approval) => ({ ...approval, signatures: approval.signatures.map((one) => ({ ...one, holds: holds(approval, one, staff) })) }))
    if (given.isJson) context.out(JSON.stringify(checked))
    else printList(context, checked, lineOf, 'no approval was used yet')
    return checked.every(({ signatures }) => signatures.every((one) => one.holds)) ? exitCodes.done : exitCodes.failed
  },
}

async function readAll(custodian: CustodianClient): Promise<{ readonly approvals: readonly Approval[]; readonly staff: Staff }> {
  const { staff } = await custodian.call('/v1/staff', {})
  const approvals: Approval[] = []
  for (let after: { usedAt: string; nonce: string } | null = null; ;) {
    const page: CustodianResponse<'/v1/approvals'> = await custodian.call('/v1/approvals', { after })
    approvals.push(...page.approvals)
    const last = page.approvals.at(-1)
    if (last === undefined) return { approvals, staff }
    after = { usedAt: last.usedAt, nonce: last.nonce }
  }
}

/** By the keys that the custodian shows now: it is not asked whether the signature holds. */
function holds({ request }: Approval, { staff: id, signature }: Approval['signatures'][number], staff: Staff): boolean {
  const known = staff.find((one) => one.id === id)
  const publicKey = known === undefined ? undefined : parsePublicKeyText(known.publicKey)
  const bytes = parseBase64Url(signature)
  return publicKey !== undefined && bytes !== undefined && verify(null, approvalBytes(request), publicKey, bytes)
}

type Checked = Pick<Approval, 'usedAt' | 'request'> & { readonly signatures: readonly { readonly staff: string; readonly holds: boolean }[] }

function lineOf({ usedAt, request, signatures }: Checked): string {
  const asked = parseApprovalRequest(request)
  const parameters: Readonly<Record<string, unknown>> = asked?.parameters ?? {}
  const people = signatures.map((one) => (one.holds ? one.staff : `${one.staff} (does NOT hold)`)).join(', ')
  const subject = ['payment', 'merchant', 'staff', 'name', 'key'].flatMap((name) => {
    const value = parameters[name]
    return typeof value === 'string' ? [`${name}=${value.replace(/[^\x20-\x7e]/g, '?')}`] : []
  })
  return [usedAt, asked?.operation ?? 'unreadable', ...subject, `by ${people}`, asked?.reason ?? ''].join('  ')
}
