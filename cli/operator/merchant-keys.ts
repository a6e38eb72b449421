import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { signingKeyUses, type SigningKeyUse } from '@ngome/contracts'
import { toBase64Url, type Clock, type Tenant } from '@ngome/kernel'
import { exitCodes, Misuse, type Command, type Context, type ExitCode, type Given } from '../command.ts'
import type { AddedMerchantKey, NewMerchantKey } from './add-merchant-key.ts'

const dayMs = 86_400_000
/** The custodian states a key for no longer: one that nobody renews may be one that nobody has any more. */
const daysMax = 800
const daysDefault = 400

/** What the commands on a merchant's keys are given. */
export const merchantKeyCommand = {
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: { world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' } },
} as const satisfies Partial<Command>

export const newMerchantKeyOptions = {
  ...merchantKeyCommand.options,
  use: { type: 'string', value: 'LIST', about: 'of sign,encrypt; sign where it is left out. Better one key for each' },
  days: { type: 'string', value: 'N', about: `for how long; ${daysDefault} where it is left out, ${daysMax} at most` },
} as const satisfies Command['options']

/** @throws Misuse */
export function usesAndEnd({ options }: Given, clock: Clock): Pick<NewMerchantKey, 'uses' | 'expiresAtMs'> {
  return { uses: usesOf(options['use']), expiresAtMs: clock.nowMs() + daysOf(options['days']) * dayMs }
}

/** A public key (PEM) or a certificate request (PKCS #10) from a file. @throws Misuse */
export function readMerchantKey({ options: { 'public-key': publicKey, request } }: Given): NewMerchantKey['from'] {
  if ((publicKey === undefined) === (request === undefined)) throw new Misuse('give either --public-key FILE or --request FILE')
  if (typeof request === 'string') return { request: read(request).trim().replaceAll('\r\n', '\n') }
  const pem = read(String(publicKey))
  // createPublicKey would take the public half out of a private key, which then lay where it should not.
  if (pem.includes('PRIVATE KEY')) throw new Misuse('that is a private key: it stays with the merchant')
  try {
    return { spki: toBase64Url(createPublicKey(pem).export({ format: 'der', type: 'spki' })) }
  } catch {
    throw new Misuse('--public-key is a file with one public key (PEM)')
  }
}

/** Says which key was added. */
export function tellKey(
  { out }: Context, { isJson }: Given, tenant: Tenant, key: AddedMerchantKey & { readonly uses: readonly SigningKeyUse[] }, file?: string,
): ExitCode {
  if (isJson) out(JSON.stringify({ ...tenant, key: key.id, algorithm: key.algorithm, uses: key.uses, ...file === undefined ? {} : { file } }))
  else out(`${key.id}  ${key.algorithm}  ${key.uses.join(',')}${file === undefined ? '' : `  ${file} is its private half, and the only one`}`)
  return exitCodes.done
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new Misuse(`${path} cannot be read`)
  }
}

function usesOf(option: string | boolean | undefined): readonly SigningKeyUse[] {
  const named = String(option ?? 'sign').split(',')
  const uses = signingKeyUses.filter((use) => named.includes(use))
  if (uses.length === 0 || uses.length !== named.length) throw new Misuse(`--use is a list of ${signingKeyUses.join(',')}`)
  return uses
}

function daysOf(option: string | boolean | undefined): number {
  const days = Number(option ?? daysDefault)
  if (!Number.isSafeInteger(days) || days < 1 || days > daysMax) throw new Misuse(`--days is a whole number, 1 to ${daysMax}`)
  return days
}
