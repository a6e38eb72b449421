import { Fault, type Tenant } from '@ngome/kernel'
import { encryptToMerchant, joseType, type ProvenMerchantKey } from '@ngome/signatures'
import { operations, type Operation } from '../api/operations.ts'
import type { Answer } from '../http/answer.ts'
import type { Guards } from '../http/guards.ts'

/**
 * Before anything is done for a request that wants its answer encrypted (`Accept: application/jose`): whether there is a key to
 * encrypt it to. An answer with an API key in it is encrypted for everybody who has such a key.
 * @throws Fault `access/encryption_key_missing`
 */
export function encryptionKeyFinder(find: (tenant: Tenant) => Promise<ProvenMerchantKey | undefined>): Guards['verify'] {
  return (_call, request, operation) => {
    const { caller } = request
    const isAsked = request.headers.accept?.toLowerCase() === joseType
    const { encryptsWhereItCan }: Operation = operations[operation]
    if (caller === null || !(isAsked || encryptsWhereItCan === true)) return undefined
    return find(caller.tenant).then((key) => {
      if (key === undefined && isAsked) throw new Fault('access/encryption_key_missing', `${caller.tenant.merchant} has no key to encrypt to`)
      request.encryptTo = key ?? null
    })
  }
}

/** The same answer, that only the merchant's private key opens; one that has no body stays as it is. */
export async function encryptedAnswer(key: ProvenMerchantKey, answer: Answer): Promise<Answer> {
  if (answer.body === undefined) return answer
  return { ...answer, contentType: joseType, body: await encryptToMerchant(key, Buffer.from(answer.body)) }
}
