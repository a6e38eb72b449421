import type { KeyObject } from 'node:crypto'
import { emit } from '@ngome/contracts'
import type { ApiKeyId, Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inTenant, type ApiKeyRow, type Database } from '@ngome/store'
import { proveApiKey, revokedApiKey, type ProvenApiKey } from './prove-api-key.ts'

type Ports = {
  readonly find: (id: ApiKeyId) => Promise<ApiKeyRow | undefined>
  readonly statementKey: KeyObject
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Ids of rows that an alarm was raised for; one who plants more has been noticed. */
const toldMax = 1_000

/**
 * Finds a key's row and holds it against the custodian's signature, once for each reading from the database. A row that
 * it did not sign is as if it were not there, and somebody should look at it: an alarm, once in a process's life.
 */
export function provenKeyFinder(ports: Ports): (id: ApiKeyId) => Promise<ProvenApiKey | undefined> {
  const told = new Set<ApiKeyId>()
  return async (id) => {
    const row = await ports.find(id)
    if (row?.isRevoked === true) return revokedApiKey(row)
    const proven = row === undefined ? undefined : proveApiKey(row, ports.statementKey)
    if (row !== undefined && proven === undefined && !told.has(id) && told.size < toldMax) {
      told.add(id)
      void raiseAlarm(ports, row)
    }
    return proven
  }
}

async function raiseAlarm({ database, clock, random, logger }: Ports, { id, tenant }: ApiKeyRow): Promise<void> {
  logger.error({ key: id, merchant: tenant.merchant, alarm: true }, 'the row of an API key is not what the custodian signed')
  const event = emit({ clock, random, process: 'gateway' }, 'api_key.unproven', tenant, { key: id })
  await inTenant(database, tenant, (tx) => appendEvent(tx, event))
    .catch((err: unknown) => logger.error({ err }, 'the event of an unproven key could not be kept'))
}
