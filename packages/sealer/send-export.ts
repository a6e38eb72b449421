import { ascii, concat, uint, type Bytes } from './bytes.ts'
import { encapsulate } from './encapsulate.ts'
import { KeyDerivation } from './key-derivation.ts'
import { suites, type SealerSuite } from './suites.ts'

const kdfId = 0x0001
const aeadId = 0x0002
const modeBase = Uint8Array.of(0)
const none = new Uint8Array(0)

/** HPKE's secret export to a public key, in base mode (RFC 9180 §5.1 and §5.3): 32 bytes, once for each `enc`. */
export async function sendExport(
  suite: SealerSuite, publicKey: Bytes, info: Bytes, exporterContext: Bytes,
): Promise<{ readonly enc: Bytes; readonly secret: Bytes }> {
  const { enc, shared } = await encapsulate[suite](publicKey)
  const kdf = new KeyDerivation(concat(ascii('HPKE'), uint(suites[suite].kemId, 2), uint(kdfId, 2), uint(aeadId, 2)))
  const [pskIdHash, infoHash] = await Promise.all([kdf.extract('psk_id_hash', none), kdf.extract('info_hash', info)])
  const secret = await kdf.extract('secret', none, shared)
  const exporterSecret = await kdf.expand(secret, 'exp', concat(modeBase, pskIdHash, infoHash))
  const exported = await kdf.expand(exporterSecret, 'sec', exporterContext)
  for (const bytes of [shared, secret, exporterSecret]) bytes.fill(0)
  return { enc, secret: exported }
}
