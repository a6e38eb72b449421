import type { X509Certificate } from 'node:crypto'
import { emit, type CertificateRefusal } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendPlatformEvent, type Database } from '@ngome/store'

type Ports = { readonly database: Database; readonly clock: Clock; readonly random: Random; readonly logger: Logger }

/** Tells that another certificate is served. */
export function tellLoaded(ports: Ports, { serialNumber, validToDate }: X509Certificate): void {
  const endsAt = validToDate.toISOString()
  ports.logger.info({ serial: serialNumber, endsAt }, 'another certificate is served')
  keep(ports, emit({ ...ports, process: 'gateway' }, 'tls.certificate_loaded', null, { serial: serialNumber, ends_at: endsAt }))
}

/** Raises the alarm of a certificate that may not be served. */
export function tellRefused(ports: Ports, reason: CertificateRefusal): void {
  ports.logger.error({ reason, alarm: true }, 'a certificate is refused; the one before stays')
  keep(ports, emit({ ...ports, process: 'gateway' }, 'tls.certificate_refused', null, { reason }))
}

function keep({ database, logger }: Ports, event: ReturnType<typeof emit>): void {
  void appendPlatformEvent(database, event).catch((err: unknown) => logger.error({ err }, 'the event of a certificate could not be kept'))
}
