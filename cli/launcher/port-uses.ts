import { hostAndPort, type Config } from '@ngome/runtime'
import type { PortUse } from './ports.ts'
import { usesSimulator } from './provider-credentials.ts'

/** Every port that this instance listens on, with the variable that changes it. */
export function portUses(config: Config): readonly PortUse[] {
  const { acme } = config.gateway.tls
  const { gateway, custodian, dispatcher, simulator, database } = config
  return [
    { what: 'the API', host: gateway.host, port: gateway.port, variable: 'NGOME_GATEWAY__PORT' },
    ...(acme === undefined
      ? []
      : [{ what: 'challenges of the certificate authority', ...hostAndPort(acme.listen), variable: 'NGOME_GATEWAY__TLS__ACME__LISTEN' }]),
    { what: 'the custodian', host: custodian.host, port: custodian.port, variable: 'NGOME_CUSTODIAN__PORT' },
    { what: 'enrolment', host: custodian.host, port: custodian.enrolmentPort, variable: 'NGOME_CUSTODIAN__ENROLMENT_PORT' },
    { what: 'the gateway\'s health', host: gateway.internalHost, port: gateway.internalPort, variable: 'NGOME_GATEWAY__INTERNAL_PORT' },
    { what: 'the dispatcher\'s health', host: dispatcher.internalHost, port: dispatcher.internalPort, variable: 'NGOME_DISPATCHER__INTERNAL_PORT' },
    ...(usesSimulator(config, 'mtn-momo')
      ? [{ what: 'MTN MoMo\'s simulator', host: '127.0.0.1', port: simulator.port, variable: 'NGOME_SIMULATOR__PORT' }]
      : []),
    ...(usesSimulator(config, 'airtel-money')
      ? [{ what: 'Airtel Money\'s simulator', host: '127.0.0.1', port: simulator.airtelPort, variable: 'NGOME_SIMULATOR__AIRTEL_PORT' }]
      : []),
    ...(usesSimulator(config, 'card-acquirer')
      ? [{ what: 'the card acquirer\'s simulator', host: '127.0.0.1', port: simulator.cardPort, variable: 'NGOME_SIMULATOR__CARD_PORT' }]
      : []),
    ...(database.url === undefined
      ? [{ what: 'PostgreSQL', host: '127.0.0.1', port: database.port, variable: 'NGOME_DATABASE__PORT' }]
      : []),
  ]
}
