import type { SealedDataKey } from './parse-sealed-data-key.ts'
import type { MerchantKeyStatement } from './statement.ts'

/**
 * Whether a sealed data key says that it was made for this merchant key, within its dates. The custodian asks this of
 * its own record of the key: else a gateway could seal one tenant's data key to another tenant's merchant key.
 */
export function isSealedFor(
  sealed: SealedDataKey,
  key: Pick<MerchantKeyStatement, 'keyId' | 'suite' | 'tenant' | 'retention' | 'period' | 'notBeforeMs' | 'notAfterMs'>,
): boolean {
  return sealed.merchantKeyId === key.keyId && sealed.suite === key.suite &&
    sealed.tenant.merchant === key.tenant.merchant && sealed.tenant.world === key.tenant.world &&
    sealed.retention === key.retention && sealed.period === key.period &&
    sealed.createdAtMs >= key.notBeforeMs && sealed.createdAtMs < key.notAfterMs
}
