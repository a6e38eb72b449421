import { X509Certificate } from 'node:crypto'
import type { Clock } from '@ngome/kernel'
import { newCertificateRequest, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import type { PublicCertificate } from '../http/public-server.ts'

/** A third of a certificate's life is left to try again in. */
const renewAfterPart = 2 / 3
const retryMs = 30_000
/** `setTimeout` counts in 32 bits; a certificate lives for at most a day. */
const delayMaxMs = 86_400_000

/** Gets the certificate that the Internet sees, for a key that never leaves this process's memory. */
export async function requestPublicCertificate(custodian: CustodianClient): Promise<PublicCertificate> {
  const request = await newCertificateRequest('gateway')
  const { certificate } = await custodian.call('/v1/public-certificate', { csr: request.csr })
  return { key: request.privateKey.expose((pem) => pem), cert: certificate }
}

/** Renews the certificate while the process runs, and with the process's own: another authority may issue. @returns what stops it */
export function renewPublicCertificate(from: {
  readonly first: PublicCertificate; readonly custodian: CustodianClient; readonly clock: Clock; readonly logger: Logger
  readonly identity: Pick<Identity, 'onRenewal'>
  readonly onRenewed: (certificate: PublicCertificate) => void
}): () => void {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const schedule = (delayMs: number): void => {
    if (isStopped) return
    clearTimeout(timer)
    timer = setTimeout(() => void renew(), Math.min(Math.max(delayMs, 0), delayMaxMs))
    timer.unref()
  }
  const renew = async (): Promise<void> => {
    try {
      const certificate = await requestPublicCertificate(from.custodian)
      from.onRenewed(certificate)
      schedule(renewalDelayMs(certificate, from.clock))
    } catch (error) {
      from.logger.warn({ err: error }, 'the public certificate was not renewed; trying again')
      schedule(retryMs)
    }
  }
  schedule(renewalDelayMs(from.first, from.clock))
  const stopListening = from.identity.onRenewal(() => schedule(0))
  return () => {
    isStopped = true
    stopListening()
    clearTimeout(timer)
  }
}

function renewalDelayMs(certificate: PublicCertificate, clock: Clock): number {
  return (new X509Certificate(certificate.cert).validToDate.getTime() - clock.nowMs()) * renewAfterPart
}
