import { emit, type JobData } from '@ngome/contracts'
import { Fault, Secret } from '@ngome/kernel'
import { recordFingerprint } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { openVaultToken } from './open-vault-token.ts'

/**
 * The job that computes a token's fingerprint: opens its value, blinds it with its type before it, has the custodian do
 * the other half, and keeps 128 bits of a digest of that; with it mask and network where a client sealed the value. Running twice does no harm.
 * @throws Fault `custodian/unavailable`, `custodian/refused` or `store/unavailable`, after which the job runs again
 */
export async function indexVaultToken(
  dispatcher: Dispatcher, { token: id, ...tenant }: JobData<'vault-index'>, signal: AbortSignal,
): Promise<void> {
  const { db, logger, computeFingerprint } = dispatcher
  const opening = await openVaultToken(dispatcher, 'vault-index', tenant, id, signal)
  switch (opening.kind) {
    case 'gone':
      return
    case 'later':
      throw new Fault('custodian/unavailable', `a fingerprint waits: ${opening.reason}`)
    case 'invalid': {
      logger.info({ token: id }, 'a client sealed what is no value of its type')
      const event = emit(eventSource(dispatcher), 'vault.token_invalid', tenant, { token: id })
      return recordFingerprint(db, tenant, id, { status: 'unavailable', event })
    }
    case 'unopenable': {
      logger.error({ token: id, reason: opening.reason, alarm: true }, 'a token in the vault does not open')
      const event = emit(eventSource(dispatcher), 'vault.token_unopenable', tenant, { token: id })
      return recordFingerprint(db, tenant, id, { status: 'unavailable', event })
    }
    case 'opened': {
      const { type, value, row, shown } = opening.opened
      if (row.fingerprintStatus !== 'pending') return
      // The type stands before the value: a phone and an account number of the same digits share no fingerprint.
      const fingerprint = await computeFingerprint(tenant, new Secret(value.expose((text) => `vault/${type}/${text}`)))
      return recordFingerprint(db, tenant, id, { status: 'computed', fingerprint, ...(shown === undefined ? {} : { shown }) })
    }
    default:
      return opening satisfies never
  }
}
