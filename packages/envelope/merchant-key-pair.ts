import { Secret } from '@ngome/kernel'
import { hpkeSuite } from './hpke-suite.ts'

/** Makes a merchant key pair: the public key of 1,216 bytes and the private key, a seed of 32 bytes. */
export async function generateMerchantKeyPair(): Promise<{ publicKey: Uint8Array; privateKey: Secret<Uint8Array> }> {
  const pair = await hpkeSuite.GenerateKeyPair(true)
  const [publicKey, privateKey] = await Promise.all([
    hpkeSuite.SerializePublicKey(pair.publicKey),
    hpkeSuite.SerializePrivateKey(pair.privateKey),
  ])
  return { publicKey, privateKey: new Secret(privateKey) }
}
