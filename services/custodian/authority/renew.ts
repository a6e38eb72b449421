import type { CustodianResponse } from '@ngome/contracts'
import type { SignerId } from '@ngome/kernel'
import { callerName, type ProvenCaller } from '../calls/caller.ts'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { parseCertificateRequest } from './certificate-request.ts'
import { issueCertificate, recordCertificate } from './issue-certificate.ts'
import { extendSigner } from './signers.ts'
import { signerUntilMs } from './signer-life.ts'

/** A renewal whose answer is lost is asked for again; more than a few from one certificate is somebody else. */
const renewalsPerCertificateMax = 8

/**
 * Gives the holder of a certificate the next one, of the same role and person. The signer of a gateway lives on with it.
 * @throws Refusal `custodian/refused`
 */
export async function renew(
  custodian: Custodian, caller: ProvenCaller, request: ParsedRequest<'/v1/renew'>,
): Promise<CustodianResponse<'/v1/renew'>> {
  const { store: { commits }, clock, rowTagKey, settings } = custodian
  const publicKey = await parseCertificateRequest(request.csr)
  if (publicKey === undefined) throw new Refusal('csr_refused', caller.role)
  const { role, staff = null } = caller
  const issued = await issueCertificate(custodian, { kind: 'process', role, publicKey, staff })
  await commits.run(async (transaction) => {
    const sql = 'SELECT count(*) AS count FROM certificates WHERE previous_serial = ? AND kind = ?'
    const renewals = await transaction.get(sql, caller.serial, 'process')
    if (Number(renewals?.['count']) >= renewalsPerCertificateMax) throw new Refusal('too_many_renewals', callerName(caller))
    const row = await transaction.get('SELECT signer FROM certificates WHERE serial = ?', caller.serial)
    const signer = (row?.['signer'] ?? null) as SignerId | null
    const nowMs = clock.nowMs()
    await recordCertificate(transaction, issued, { nowMs, previousSerial: caller.serial, signer })
    const untilMs = signerUntilMs(issued.notAfterMs, settings.merchantKeyPeriodMs)
    if (signer !== null) await extendSigner(transaction, rowTagKey, signer, { nowMs, untilMs })
    await appendLog(transaction, clock, {
      caller: callerName(caller), operation: '/v1/renew', outcome: 'allowed', reason: '',
      subject: `${issued.role}/${issued.serial}`,
    })
  })
  return { certificate: issued.pem, authority: custodian.authority.pem }
}
