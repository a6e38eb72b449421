import type { KeyObject } from 'node:crypto'
import { emit } from '@ngome/contracts'
import type { Clock, MerchantSigningKeyId, Random, Tenant } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { proveMerchantKey } from '@ngome/signatures'
import { appendEvent, findSigningKey, inTenant, type Database } from '@ngome/store'
import type { ReadMerchantKey } from './merchant-keys.ts'

type Ports = {
  readonly database: Database
  readonly statementKey: KeyObject
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Ids of rows that an alarm was raised for; one who plants more has been noticed. */
const toldMax = 1_000

/** Reads merchants' keys and holds each against the custodian's signature; one that it did not sign is an alarm. */
export function merchantKeyReader(ports: Ports): ReadMerchantKey {
  const told = new Set<MerchantSigningKeyId>()
  return async (tenant, id) => {
    const row = await findSigningKey(ports.database, tenant, id)
    if (row === undefined || row.isRevoked || row.expiresAtMs <= ports.clock.nowMs()) return undefined
    const proven = proveMerchantKey(row, row.proof, ports.statementKey, ports.clock.nowMs())
    if (proven === undefined && !told.has(id) && told.size < toldMax) {
      told.add(id)
      void raiseAlarm(ports, tenant, id)
    }
    return proven
  }
}

async function raiseAlarm({ database, clock, random, logger }: Ports, tenant: Tenant, key: MerchantSigningKeyId): Promise<void> {
  logger.error({ key, merchant: tenant.merchant, alarm: true }, 'the row of a merchant\'s key is not what the custodian signed')
  const event = emit({ clock, random, process: 'gateway' }, 'merchant_key.unproven', tenant, { key })
  await inTenant(database, tenant, (tx) => appendEvent(tx, event))
    .catch((err: unknown) => logger.error({ err }, 'the event of an unproven merchant\'s key could not be kept'))
}
