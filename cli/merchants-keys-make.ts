import { generateKeyPairSync } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import type { SigningKeyUse } from '@ngome/contracts'
import { Fault, toBase64Url } from '@ngome/kernel'
import { Misuse, type Command } from './command.ts'
import { writePrivateFile } from './launcher/private-file.ts'
import { addMerchantKey } from './operator/add-merchant-key.ts'
import { withOperator } from './operator/load.ts'
import { merchantKeyCommand, newMerchantKeyOptions, tellKey, usesAndEnd } from './operator/merchant-keys.ts'
import { tenantOf } from './operator/origins.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

/** NIST SP 800-57, part 1, table 2: 128 bits of strength. */
const rsaBits = 3_072

export const merchantsKeysMake: Command = {
  name: 'merchants keys make',
  summary: 'Make a key pair for a merchant, once: the private half goes into a file, and is kept nowhere else.',
  operands: merchantKeyCommand.operands,
  options: {
    'private-key': { type: 'string', value: 'FILE', about: 'where the private half is written (PKCS #8), for you alone', isRequired: true },
    'algorithm': { type: 'string', value: 'NAME', about: 'rsa, or ed25519, which only signs; rsa where it is left out' },
    ...newMerchantKeyOptions,
    ...personOptions,
  },
  async run(context, given) {
    const person = await personOf(context, given)
    const [tenant, rest, path] = [tenantOf(given), usesAndEnd(given, context.clock), String(given.options['private-key'])]
    const { publicKey, privateKey } = makePair(given.options['algorithm'], rest.uses)
    if (existsSync(path)) throw new Misuse(`${path} is there already: a key is never overwritten`)
    const from = { spki: toBase64Url(publicKey) }
    // First the file: a key whose private half nobody has could not be told from one that somebody has.
    writePrivateFile(path, privateKey)
    const added = await withOperator(context, (access) => addMerchantKey(access, tenant, { from, ...rest }), person).catch((error: unknown) => {
      // Refused is not added. What failed otherwise may have been added, and then this is its only half.
      if (error instanceof Misuse || (error instanceof Fault && error.code === 'custodian/refused')) rmSync(path)
      throw error
    })
    return tellKey(context, given, tenant, { ...added, uses: rest.uses }, path)
  },
}

function makePair(algorithm: string | boolean | undefined, uses: readonly SigningKeyUse[]): { readonly publicKey: Buffer; readonly privateKey: string } {
  const encodings = { publicKeyEncoding: { format: 'der', type: 'spki' }, privateKeyEncoding: { format: 'pem', type: 'pkcs8' } } as const
  if (algorithm === 'ed25519' && uses.includes('encrypt')) throw new Misuse('an ed25519 key only signs: take --algorithm rsa to encrypt')
  if (algorithm === 'ed25519') return generateKeyPairSync('ed25519', encodings)
  if (algorithm === undefined || algorithm === 'rsa') return generateKeyPairSync('rsa', { modulusLength: rsaBits, ...encodings })
  throw new Misuse('--algorithm is rsa or ed25519')
}
