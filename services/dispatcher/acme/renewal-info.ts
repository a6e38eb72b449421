import { X509Certificate } from 'node:crypto'
import { toBase64Url, type Clock, type Random } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import { readAnswer, renewalInfoSchema } from './answers.ts'
import type { AcmeSession } from './acme-session.ts'

/** RFC 9773 §4.3: how often is asked where the authority does not say, and within which bounds it may say. */
const againMs = 6 * 3_600_000
const againMsMin = 60_000
const againMsMax = 86_400_000

/** @returns the certificate's name in RFC 9773 §4.1, `undefined` where it has none: it does not say which key signed it */
export function renewalId(chain: string): string | undefined {
  let certificate: InstanceType<typeof x509.X509Certificate>
  try {
    certificate = new x509.X509Certificate(new X509Certificate(chain).raw)
  } catch {
    return undefined
  }
  const { keyId } = certificate.getExtension(x509.AuthorityKeyIdentifierExtension) ?? {}
  if (keyId === undefined) return undefined
  // The serial as DER has it: a leading zero octet belongs to it where its first bit would be a sign.
  const serial = Buffer.from(certificate.serialNumber.padStart(certificate.serialNumber.length + certificate.serialNumber.length % 2, '0'), 'hex')
  const signed = ((serial[0] ?? 0) & 0x80) === 0 ? serial : Buffer.concat([Buffer.of(0), serial])
  return `${toBase64Url(Buffer.from(keyId, 'hex'))}.${toBase64Url(signed)}`
}

/**
 * Asks when a certificate is to be renewed: at a moment of the authority's window that is chosen once, as long as the
 * window holds it.
 * @param before what was chosen before
 * @throws AcmeFailure
 */
export async function askRenewal(
  session: AcmeSession, { chain, before, clock, random }: { readonly chain: string; readonly before: number | null; readonly clock: Clock; readonly random: Random },
): Promise<{ readonly renewAtMs: number | null; readonly againAtMs: number }> {
  const id = renewalId(chain)
  const { renewalInfo } = session.directory
  if (id === undefined || renewalInfo === undefined) return { renewAtMs: null, againAtMs: clock.nowMs() + againMsMax }
  const answer = await session.get(`${renewalInfo.replace(/\/$/, '')}/${id}`)
  const { start, end } = readAnswer(answer.body, renewalInfoSchema, 'the renewal information').suggestedWindow
  const [fromMs, toMs] = [Date.parse(start), Date.parse(end)]
  const isStill = before !== null && before >= fromMs && before < toMs
  const part = Buffer.from(random.bytes(4)).readUInt32BE() / 0x1_0000_0000
  const againAtMs = clock.nowMs() + Math.min(Math.max(answer.retryAfterMs ?? againMs, againMsMin), againMsMax)
  return { renewAtMs: isStill ? before : Math.floor(fromMs + Math.max(toMs - fromMs, 0) * part), againAtMs }
}
