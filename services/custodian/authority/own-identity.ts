import type { KeyObject } from 'node:crypto'
import { createIdentity, newCertificateRequest, type Identity, type Logger } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { appendLog } from '../log/append-log.ts'
import { parseCertificateRequest } from './certificate-request.ts'
import { issueCertificate, recordCertificate } from './issue-certificate.ts'

/** Makes the custodian's own identity: it certifies itself, at its start and again as the certificate ages. */
export async function ownIdentity(custodian: Custodian, logger: Logger): Promise<Identity> {
  const request = await newCertificateRequest('custodian')
  const identity = createIdentity({
    role: 'custodian',
    signerId: null,
    statementKey: custodian.statementKey.publicKey,
    authority: custodian.authority.pem,
    first: { ...request, certificate: await certify(custodian, request.publicKey) },
    renew: async (csr) => {
      const publicKey = await parseCertificateRequest(csr)
      if (publicKey === undefined) throw new TypeError('a request of our own that is not one')
      return { certificate: await certify(custodian, publicKey), authority: custodian.authority.pem }
    },
    clock: custodian.clock,
    random: custodian.random,
    logger,
  })
  custodian.authority.onChange(() => identity.hearAuthorities(custodian.authority.mark))
  return identity
}

async function certify(custodian: Custodian, publicKey: KeyObject): Promise<string> {
  const { clock, store: { commits } } = custodian
  const issued = await issueCertificate(custodian, { kind: 'own', role: 'custodian', publicKey })
  await commits.run(async (transaction) => {
    await recordCertificate(transaction, issued, { nowMs: clock.nowMs(), previousSerial: null, signer: null })
    await appendLog(transaction, clock, {
      caller: 'custodian', operation: 'own-certificate', outcome: 'allowed', reason: '',
      subject: `custodian/${issued.serial}`,
    })
  })
  return issued.pem
}
