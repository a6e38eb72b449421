import { createPrivateKey, generateKeyPairSync, KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { Fault } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import { writePrivateFile } from '../launcher/private-file.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** Anybody but the owner. */
const othersBits = 0o077

/**
 * Shows that a backup's key exists: a request (PKCS #10, PEM) by it. Where there is no such file the key is made there, to be
 * taken offline.
 * @throws Fault `launcher/failed` where others may read the file, or it holds no key on P-256
 */
export async function backupRequest(path: string): Promise<{ readonly request: string; readonly publicKey: KeyObject; readonly isNew: boolean }> {
  const isNew = !existsSync(path)
  if (isNew) {
    const made = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    writePrivateFile(path, made.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  }
  if ((statSync(path).mode & othersBits) !== 0) throw new Fault('launcher/failed', `others may read ${path}: chmod 600`)
  const privateKey = readKey(path)
  const usable = await crypto.subtle.importKey('pkcs8', new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })), algorithm, true, ['sign'])
  const { d: _, key_ops: _ops, ...jwk } = await crypto.subtle.exportKey('jwk', usable)
  const publicKey = await crypto.subtle.importKey('jwk', { ...jwk, key_ops: ['verify'] }, algorithm, true, ['verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=backup pin', keys: { privateKey: usable, publicKey }, signingAlgorithm: algorithm,
  })
  return { request: request.toString('pem'), publicKey: KeyObject.from(publicKey), isNew }
}

function readKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path, 'utf8'))
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // Said below: whatever is wrong with the file, it is no key that can be a backup.
  }
  throw new Fault('launcher/failed', `${path} holds no private key on P-256 (PEM)`)
}
