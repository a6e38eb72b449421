import { Secret } from '@ngome/kernel'
import { hpkeSuites } from './hpke-suites.ts'
import { assertSeals, suites, type SuiteName } from './suites.ts'

/**
 * Makes a merchant key pair of a suite: the public key has the suite's length, the private key 32 bytes (`hybrid`: a seed,
 * `fips`: a scalar).
 */
export async function generateMerchantKeyPair(
  suite: SuiteName,
): Promise<{ publicKey: Uint8Array; privateKey: Secret<Uint8Array> }> {
  assertSeals(suites[suite])
  const hpke = hpkeSuites[suite]
  const pair = await hpke.GenerateKeyPair(true)
  const [publicKey, privateKey] = await Promise.all([
    hpke.SerializePublicKey(pair.publicKey),
    hpke.SerializePrivateKey(pair.privateKey),
  ])
  return { publicKey, privateKey: new Secret(privateKey) }
}
