import type { CustodianResponse } from '@ngome/contracts'
import type { CustodianClient } from '@ngome/runtime'
import { exitCodes, type Command } from './command.ts'
import { withCustodian } from './operator/load.ts'
import { printList } from './print-list.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

type Page = CustodianResponse<'/v1/certificates'>

export const certificatesList: Command = {
  name: 'certificates list',
  summary: 'List the certificates of the processes and people that are good now, the newest last.',
  operands: [],
  options: { ...personOptions, all: { type: 'boolean', about: 'also those that have ended or were revoked' } },
  async run(context, given) {
    const person = await personOf(context, given)
    const isPresent = given.options['all'] !== true
    const all = await withCustodian(context, (custodian) => readAll(custodian, isPresent), { person, role: 'auditor' })
    const certificates = all.toSorted((one, other) => one.issuedAt.localeCompare(other.issuedAt))
    if (given.isJson) context.out(JSON.stringify(certificates))
    else printList(context, certificates, ({ serial, kind, role, signer, staff, issuedAt, notAfter, revokedAt }) => {
      const who = [kind === 'process' ? role : `${role} (${kind})`, staff, signer].filter((part) => part !== null).join(' ')
      return `${serial}  ${issuedAt}  ${revokedAt === null ? `until ${notAfter}` : `revoked ${revokedAt}`}  ${who}`
    }, 'no certificate is good now: ngome certificates list --all')
    return exitCodes.done
  },
}

async function readAll(custodian: CustodianClient, isPresent: boolean): Promise<Page['certificates']> {
  const certificates: Page['certificates'] = []
  for (let after: string | null = null; ;) {
    const page: Page = await custodian.call('/v1/certificates', { after, isPresent })
    certificates.push(...page.certificates)
    after = page.certificates.at(-1)?.serial ?? null
    if (after === null) return certificates
  }
}
