import type { CustodianResponse } from '@ngome/contracts'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { parseCertificateRequest } from './certificate-request.ts'
import { issueCertificate, recordCertificate } from './issue-certificate.ts'

/**
 * Gives the gateway the certificate that the Internet sees: the configured public names, for answering only.
 * @throws Refusal `custodian/refused`
 */
export async function issuePublicCertificate(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/public-certificate'>,
): Promise<CustodianResponse<'/v1/public-certificate'>> {
  const { store: { commits }, clock } = custodian
  const publicKey = await parseCertificateRequest(request.csr)
  if (publicKey === undefined) throw new Refusal('csr_refused', caller.role)
  const issued = await issueCertificate(custodian, { kind: 'public', role: caller.role, publicKey })
  await commits.run(async (transaction) => {
    await recordCertificate(transaction, issued, { nowMs: clock.nowMs(), previousSerial: caller.serial, signer: null })
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/public-certificate', outcome: 'allowed', reason: '',
      subject: `public/${issued.serial}`,
    })
  })
  return { certificate: issued.pem, authority: custodian.authority.pem }
}
