import { Fault, lengthPrefixed, type Secret } from '@ngome/kernel'
import { cipherKeyBytes, clientSealedFormat, valueTypePattern } from './format.ts'
import { hpkeSuites } from './hpke-suites.ts'
import type { MerchantKeyStatement } from './statement.ts'
import { suites } from './suites.ts'

/**
 * The custodian's half of opening what a client sealed: HPKE's secret export (RFC 9180 §5.3) for one encapsulated secret.
 * It needs no ciphertext, so that who holds the private key sees no data; tenant, class, key and type are in HPKE's `info`,
 * so that for any other of them another key comes out.
 * @param key as its owner recorded it: its suite is the one in which this opens
 * @returns 32 bytes, the AES-256 key of that one value
 * @throws Fault `envelope/open_refused`, the same whatever was wrong
 */
export async function deriveClientSealedKey({ key, type, enc, privateKey }: {
  readonly key: Pick<MerchantKeyStatement, 'keyId' | 'suite' | 'tenant' | 'retention'>
  readonly type: string
  readonly enc: Uint8Array
  readonly privateKey: Secret<Uint8Array>
}): Promise<Uint8Array> {
  const hpke = hpkeSuites[key.suite]
  const info = clientSealedInfo(key, type)
  try {
    return await privateKey.expose(async (bytes) => hpke.ReceiveExport(
      await hpke.DeserializePrivateKey(bytes), enc, clientSealedExport, cipherKeyBytes, { info },
    ))
  } catch {
    throw new Fault('envelope/open_refused', 'a value that a client sealed has no key')
  }
}

const clientSealedExport: Uint8Array = Buffer.from(clientSealedFormat, 'latin1')

function clientSealedInfo(
  { keyId, suite, tenant, retention }: Pick<MerchantKeyStatement, 'keyId' | 'suite' | 'tenant' | 'retention'>, type: string,
): Uint8Array {
  if (!valueTypePattern.test(type)) throw new TypeError('a value without a type')
  return lengthPrefixed(
    clientSealedFormat, suites[suite].label, keyId, tenant.merchant, tenant.world, retention, type,
  )
}
