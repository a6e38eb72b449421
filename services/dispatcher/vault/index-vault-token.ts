import { createHash } from 'node:crypto'
import { emit, type JobData } from '@ngome/contracts'
import { Fault, lengthPrefixed, Secret, toBase64Url } from '@ngome/kernel'
import { recordFingerprint } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { openVaultToken } from './open-vault-token.ts'

const fingerprintFormat = 'ngome/vault-fingerprint/v1'
/** 128 bits: two values of a merchant meet by chance after 2^64 of them. */
const fingerprintBytes = 16

/**
 * The job that computes a token's fingerprint: opens its value, blinds it with its type before it, has the custodian do
 * the other half, and keeps 128 bits of a digest of that; with it mask and network where a client sealed the value. Running twice does no harm.
 * @throws Fault `custodian/unavailable`, `custodian/refused` or `store/unavailable`, after which the job runs again
 */
export async function indexVaultToken(
  dispatcher: Dispatcher, { token: id, ...tenant }: JobData<'vault-index'>, signal: AbortSignal,
): Promise<void> {
  const { db, logger, computeIndex } = dispatcher
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
      const index = await computeIndex(tenant, new Secret(value.expose((text) => `vault/${type}/${text}`)))
      return recordFingerprint(db, tenant, id, {
        status: 'computed', fingerprint: fingerprintOf(index), ...(shown === undefined ? {} : { shown }),
      })
    }
    default:
      return opening satisfies never
  }
}

/** What a merchant may see of a blind index: it tells equal from different, and neither value nor index. */
export function fingerprintOf(index: Uint8Array): string {
  const digest = createHash('sha256').update(lengthPrefixed(fingerprintFormat, index)).digest()
  return `fpr_${toBase64Url(digest.subarray(0, fingerprintBytes))}`
}
