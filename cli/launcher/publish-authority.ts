import { Fault } from '@ngome/kernel'
import { parseAuthorities } from '@ngome/runtime'
import { readForeignFile, writePrivateFile } from './private-file.ts'
import type { Tell } from './progress.ts'

const certificatePattern = /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----/g
/** A step of a replacement takes a minute at least. */
const lookEveryMs = 2_000

/**
 * Copies the authorities' certificates from the custodian's folder to where all may read them: the certificates alone,
 * written anew, whatever else the file holds.
 * @param owner the custodian's user, where it is not us
 * @returns what was written
 * @throws Fault `launcher/failed` where there is no authority's certificate
 */
export function publishAuthority(from: string, to: string, owner: number | undefined): string {
  const text = readAuthorities(from, owner)
  writePrivateFile(to, text, undefined, 0o644)
  return text
}

/** Copies them again whenever they have changed. @returns what stops it */
export function followAuthority(
  { from, to, owner, tell }: { readonly from: string; readonly to: string; readonly owner: number | undefined; readonly tell: Tell },
  published: string, everyMs: number = lookEveryMs,
): () => void {
  let last = published
  let lastFailure = ''
  const timer = setInterval(() => {
    try {
      if (readAuthorities(from, owner) === last) return
      last = publishAuthority(from, to, owner)
      tell('the certificate authority is being replaced: what new processes trust was written anew')
      lastFailure = ''
    } catch (error) {
      if (String(error) !== lastFailure) tell(`the authority's certificate cannot be copied: ${String(error)}`)
      lastFailure = String(error)
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function readAuthorities(from: string, owner: number | undefined): string {
  const parts = readForeignFile(from, owner)?.toString('latin1').match(certificatePattern) ?? []
  const authorities = parseAuthorities(parts.join('\n'))
  if (authorities === undefined) throw new Fault('launcher/failed', `${from} holds no certificate of an authority`)
  return authorities.map((one) => one.toString()).join('')
}
