import { X509Certificate, type KeyObject } from 'node:crypto'
import { Fault, type Clock, type ProcessRole } from '@ngome/kernel'
import { parseCertificateRole } from './spiffe.ts'

/**
 * Checks a certificate that the custodian has issued, before it is used: a wrong one would be noticed only by others.
 * @throws Fault `custodian/enrolment_refused` where it is not ours, not this key's, not this role's, or not valid now
 */
export function checkCertificate({ certificate, authorities, publicKey, role, clock }: {
  readonly certificate: string
  readonly authorities: readonly X509Certificate[]
  readonly publicKey: KeyObject
  readonly role: ProcessRole
  readonly clock: Clock
}): X509Certificate {
  const leaf = parseCertificate(certificate)
  const nowMs = clock.nowMs()
  const faulty = [
    !authorities.some((one) => leaf.checkIssued(one) && leaf.verify(one.publicKey)) ? 'was not issued by the authority' : '',
    !leaf.publicKey.equals(publicKey) ? 'is for another key' : '',
    parseCertificateRole(leaf) !== role ? 'is for another role' : '',
    // Second granularity: a certificate may begin in the second that is running.
    leaf.validFromDate.getTime() > nowMs + 1000 || leaf.validToDate.getTime() <= nowMs ? 'is not valid now' : '',
  ].filter((reason) => reason !== '')
  if (faulty.length > 0) throw new Fault('custodian/enrolment_refused', `the certificate ${faulty.join(' and ')}`)
  return leaf
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new Fault('custodian/enrolment_refused', 'the custodian answered with what is not a certificate', { cause })
  }
}
