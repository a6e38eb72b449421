import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Fault, Secret, toBase64Url, type Clock, type ProcessRole, type Random } from '@ngome/kernel'
import { writePrivateFile } from './private-file.ts'

/** A process that starts uses its token within seconds; past this a stolen one is worth nothing. */
const tokenLifeMs = 120_000
const keyBytes = 32
const nonceBytes = 16

/** Reads the key that enrolment tokens are made with, or makes it at the first run. */
export function enrolmentKey(path: string, random: Random): Secret<Uint8Array> {
  if (!existsSync(path)) writePrivateFile(path, random.bytes(keyBytes))
  return readEnrolmentKey(path)
}

/** @throws Fault `launcher/failed` where there is no key: no platform has run on this data folder, or it is not ours */
export function readEnrolmentKey(path: string): Secret<Uint8Array> {
  let key: Uint8Array
  try {
    key = readFileSync(path)
  } catch (cause) {
    throw new Fault('launcher/failed', `cannot read ${path}: start the platform first, or run this as its user`, { cause })
  }
  if (key.length !== keyBytes) throw new Fault('launcher/failed', `${path} is not an enrolment key`)
  return new Secret(key)
}

/** A one-time token with which one process of this role gets its first certificate from the custodian. */
export function mintEnrolmentToken(
  key: Secret<Uint8Array>, role: ProcessRole, from: { readonly clock: Clock; readonly random: Random },
): string {
  const claim = { role, expiresAtMs: from.clock.nowMs() + tokenLifeMs, nonce: toBase64Url(from.random.bytes(nonceBytes)) }
  const text = toBase64Url(Buffer.from(JSON.stringify(claim), 'utf8'))
  return `${text}.${key.expose((bytes) => createHmac('sha256', bytes).update(text, 'utf8').digest('base64url'))}`
}
