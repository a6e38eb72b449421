import type { Clock, Random } from '@ngome/kernel'
import { processFolder, publicRoots, untilItStands, type Config, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import { AcmeCertificate } from '../acme/acme-certificate.ts'
import { AcmeFolder } from '../acme/acme-folder.ts'
import type { PublicCertificate } from '../http/public-server.ts'
import { renewPublicCertificate, requestPublicCertificate } from '../keys/public-certificate.ts'
import { OperatorCertificate } from './operator-certificate.ts'

/** What the Internet sees of us, now and after each change. */
export type PublicCertificates = {
  readonly first: PublicCertificate
  /** @returns what stops it */
  readonly follow: (onRenewed: (certificate: PublicCertificate) => void) => () => void
}

type Surroundings = {
  readonly config: Pick<Config, 'gateway' | 'dataDir'>
  readonly custodian: CustodianClient
  readonly identity: Identity
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** The operator's files where he names them, what is ordered by ACME where he says so, else the platform's own authority. @throws Fault `config/invalid` */
export async function publicCertificates(from: Surroundings): Promise<PublicCertificates> {
  const { tls: { certificatePath, keyPath, acme }, certificateNames: names } = from.config.gateway
  if (certificatePath !== undefined && keyPath !== undefined) {
    const files = new OperatorCertificate({ ...from, paths: { certificatePath, keyPath }, names })
    return { first: files.first(), follow: (onRenewed) => files.watch(onRenewed) }
  }
  return acme === undefined ? platformsOwn(from) : ordered(from, acme.names)
}

async function platformsOwn(from: Surroundings): Promise<PublicCertificates> {
  const first = await untilItStands('public certificate', from.logger, () => requestPublicCertificate(from.custodian))
  return { first, follow: (onRenewed) => renewPublicCertificate({ ...from, first, onRenewed }) }
}

/** Until the first order is filled, the platform's own: a gateway that answers is what the order is filled through. */
async function ordered(from: Surroundings, names: readonly string[]): Promise<PublicCertificates> {
  const { gateway } = from.config
  const certificate = new AcmeCertificate({
    ...from, names, publicNames: gateway.certificateNames, folder: new AcmeFolder(processFolder(from.config, 'gateway'), from),
    roots: () => publicRoots(gateway.tls, ''),
  })
  const first = certificate.first()
  if (first !== undefined) return { first, follow: (onRenewed) => certificate.watch(onRenewed) }
  const meanwhile = await platformsOwn(from)
  return {
    first: meanwhile.first,
    follow: (onRenewed) => {
      const stopMeanwhile = meanwhile.follow(onRenewed)
      const stop = certificate.watch((issued) => {
        stopMeanwhile()
        onRenewed(issued)
      })
      return () => {
        stopMeanwhile()
        stop()
      }
    },
  }
}
