import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Random, Secret } from '@ngome/kernel'

/** PostgreSQL's own default. Our passwords are 256 random bits, which no number of rounds needs to protect. */
const iterations = 4096

/**
 * What PostgreSQL stores of a password, made here so that the password itself never reaches the server, its statement
 * views or its log (RFC 5802 §3, RFC 7677; the form is that of `pg_authid.rolpassword`).
 */
export function scramVerifier(password: Secret<string>, random: Random): string {
  const salt = random.bytes(16)
  const salted = password.expose((text) => pbkdf2Sync(text, salt, iterations, 32, 'sha256'))
  const storedKey = createHash('sha256').update(createHmac('sha256', salted).update('Client Key').digest()).digest()
  const serverKey = createHmac('sha256', salted).update('Server Key').digest()
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`
}
