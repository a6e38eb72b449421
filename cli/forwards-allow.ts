import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { forwardMethods, type ForwardMethod } from '@ngome/contracts'
import { exitCodes, Misuse, type Command, type Given } from './command.ts'
import { allowForward } from './operator/allow-forward.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withOperator } from './operator/load.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

const dayMs = 86_400_000
/** The custodian signs for no longer: an address that nobody confirms is somebody's forgotten hole. */
const daysMax = 400
const daysDefault = 365
const authorityBytesMax = 16_384

export const forwardsAllow: Command = {
  name: 'forwards allow',
  summary: 'Allow a merchant of the test world to forward requests with tokens below an address.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {
    'url': { type: 'string', value: 'URL', about: 'everything below it: https://host:port/prefix/', isRequired: true },
    'method': { type: 'string', value: 'LIST', about: 'of GET,POST,PUT,PATCH,DELETE; POST where it is left out' },
    'certificate-sha256': { type: 'string', value: 'HEX', about: 'SHA-256 of the public key (DER) that its certificate must have' },
    'authority': { type: 'string', value: 'FILE', about: 'a certificate (PEM) to trust in place of the system\'s authorities' },
    'days': { type: 'string', value: 'N', about: `for how long; ${daysDefault} where it is left out, ${daysMax} at most` },
    ...personOptions,
  },
  async run(context, given) {
    const { operands, options, isJson } = given
    const person = await personOf(context, given)
    const merchant = merchantId(operands['merchant'])
    const allowed = {
      url: textOf(options, 'url') ?? '',
      methods: methodsOf(textOf(options, 'method') ?? 'POST'),
      certificateSha256: pinOf(textOf(options, 'certificate-sha256')),
      authority: authorityOf(textOf(options, 'authority')),
      expiresAtMs: context.clock.nowMs() + daysOf(textOf(options, 'days')) * dayMs,
    }
    const { id, url } = await withOperator(context, (access) => allowForward(access, { merchant, world: 'test' }, allowed), person)
    context.out(isJson ? JSON.stringify({ destination: id, merchant, world: 'test', url }) : `${id}  ${url}`)
    return exitCodes.done
  },
}

function textOf(options: Given['options'], name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

function methodsOf(text: string): readonly ForwardMethod[] {
  const methods = text.split(',').map((one) => forwardMethods.find((method) => method === one))
  if (methods.includes(undefined)) throw new Misuse(`--method is a list of ${forwardMethods.join(',')}`)
  return [...new Set(methods as ForwardMethod[])]
}

function pinOf(text: string | undefined): Uint8Array | null {
  if (text === undefined) return null
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Misuse('--certificate-sha256 is 64 hexadecimal digits')
  return Buffer.from(text, 'hex')
}

function authorityOf(path: string | undefined): string | null {
  if (path === undefined) return null
  try {
    const pem = new X509Certificate(readFileSync(path)).toString()
    if (pem.length <= authorityBytesMax) return pem
  } catch {
    // Said below: whatever was wrong with the file, it is not a certificate.
  }
  throw new Misuse('--authority is a file with one certificate (PEM)')
}

function daysOf(text: string | undefined): number {
  const days = text === undefined ? daysDefault : Number(text)
  if (!Number.isSafeInteger(days) || days < 1 || days > daysMax) throw new Misuse(`--days is a whole number, 1 to ${daysMax}`)
  return days
}
