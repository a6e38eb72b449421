import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { Fault, parseId, type StaffId } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { Misuse, type Context, type Given } from '../command.ts'
import { writePrivateFile } from '../launcher/private-file.ts'

/** A person with his key. */
export type Person = { readonly id: StaffId; readonly privateKey: KeyObject }

const passphraseLengthMin = 12
/** Anybody but the owner. */
const othersBits = 0o077
const encryptedMark = 'BEGIN ENCRYPTED PRIVATE KEY'

/** Makes a person's key in a file that only he reads: PKCS #8, under a passphrase where he may not leave it out. */
export async function makeStaffKey(
  context: Context, path: string, { isEncrypted }: { readonly isEncrypted: boolean },
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: string }> {
  if (existsSync(path)) throw new Misuse(`${path} is there already: a key is never overwritten`)
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = isEncrypted
    ? (await newPassphrase(context)).expose((passphrase) => (
        privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      ))
    : privateKey.export({ type: 'pkcs8', format: 'pem' })
  writePrivateFile(path, pem)
  return { privateKey, publicKey: publicKeyText(publicKey) }
}

/**
 * Reads a person's key, asking for its passphrase where it has one.
 * @throws Fault `launcher/failed` where others may read the file, or the key does not open
 */
export async function readStaffKey(context: Context, path: string): Promise<KeyObject> {
  if (!existsSync(path)) throw new Misuse(`there is no file ${path}`)
  if ((statSync(path).mode & othersBits) !== 0) throw new Fault('launcher/failed', `others may read ${path}: chmod 600`)
  const pem = readFileSync(path, 'utf8')
  try {
    if (!pem.includes(encryptedMark)) return assertEd25519(createPrivateKey(pem))
    const passphrase = await context.askSecret(`passphrase of ${path}`)
    return assertEd25519(passphrase.expose((text) => createPrivateKey({ key: pem, passphrase: text })))
  } catch (cause) {
    if (cause instanceof Misuse) throw cause
    // What OpenSSL says of a wrong passphrase helps nobody.
    throw new Fault('launcher/failed', `${path} holds no key of a person, or the passphrase is another`)
  }
}

/** Who the options `--key` and `--staff` say that he is; nobody where neither is given. */
export async function personOf(context: Context, { options }: Given): Promise<Person | undefined> {
  const { key, staff } = options
  if (key === undefined && staff === undefined) return undefined
  const id = typeof staff === 'string' ? parseId('staff', staff) : undefined
  if (typeof key !== 'string' || id === undefined) throw new Misuse('--key FILE and --staff ID go together')
  return { id, privateKey: await readStaffKey(context, key) }
}

export const personOptions = {
  key: { type: 'string', value: 'FILE', about: 'act under your own name: the file of your key' },
  staff: { type: 'string', value: 'ID', about: 'your id, such as ngome staff list shows it' },
} as const

async function newPassphrase({ askSecret }: Context): ReturnType<Context['askSecret']> {
  const first = await askSecret(`a new passphrase, at least ${passphraseLengthMin} characters`)
  if (first.expose((text) => text.length) < passphraseLengthMin) throw new Misuse('that passphrase is too short')
  const second = await askSecret('the same again')
  if (first.expose((one) => second.expose((other) => one !== other))) throw new Misuse('those were two passphrases')
  return first
}

function assertEd25519(key: KeyObject): KeyObject {
  publicKeyText(createPublicKey(key))
  return key
}
