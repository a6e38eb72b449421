import type { Clock, Random } from '@ngome/kernel'
import { untilItStands, type Config, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import type { PublicCertificate } from '../http/public-server.ts'
import { renewPublicCertificate, requestPublicCertificate } from '../keys/public-certificate.ts'
import { OperatorCertificate } from './operator-certificate.ts'

/** What the Internet sees of us, now and after each change. */
export type PublicCertificates = {
  readonly first: PublicCertificate
  /** @returns what stops it */
  readonly follow: (onRenewed: (certificate: PublicCertificate) => void) => () => void
}

/** The operator's files where he names them, else the platform's own authority. @throws Fault `config/invalid` */
export async function publicCertificates(from: {
  readonly config: Pick<Config, 'gateway'>
  readonly custodian: CustodianClient
  readonly identity: Identity
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}): Promise<PublicCertificates> {
  const { tls: { certificatePath, keyPath }, publicNames: names } = from.config.gateway
  if (certificatePath !== undefined && keyPath !== undefined) {
    const files = new OperatorCertificate({ ...from, paths: { certificatePath, keyPath }, names })
    return { first: files.first(), follow: (onRenewed) => files.watch(onRenewed) }
  }
  const first = await untilItStands('public certificate', from.logger, () => requestPublicCertificate(from.custodian))
  return { first, follow: (onRenewed) => renewPublicCertificate({ ...from, first, onRenewed }) }
}
