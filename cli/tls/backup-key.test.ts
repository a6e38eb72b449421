import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { spkiPin, x509 } from '@ngome/runtime'
import { backupRequest } from './backup-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'ngome-backup-'))
after(() => rmSync(folder, { recursive: true }))

test('a backup key is made for its owner alone, and its request shows that it is there, each time', async () => {
  const path = join(folder, 'new.pem')
  const first = await backupRequest(path)
  assert.equal(first.isNew, true)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const request = new x509.Pkcs10CertificateRequest(first.request)
  assert.equal(await request.verify(), true)
  const second = await backupRequest(path)
  assert.equal(second.isNew, false)
  assert.equal(spkiPin(second.publicKey), spkiPin(first.publicKey))
  assert.doesNotMatch(first.request + second.request, /PRIVATE/)
  assert.match(readFileSync(path, 'utf8'), /BEGIN PRIVATE KEY/)
})

const refused: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['that others may read', (path) => {
    writeFileSync(path, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
    chmodSync(path, 0o640)
  }, /others may read/],
  ['of another curve', (path) =>
    writeFileSync(path, generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 }), /no private key on P-256/],
  ['that is garbage', (path) => writeFileSync(path, 'garbage', { mode: 0o600 }), /no private key on P-256/],
]
for (const [claim, write, says] of refused) {
  test(`a file ${claim} is refused`, async () => {
    const path = join(folder, `${claim}.pem`)
    write(path)
    await assert.rejects(backupRequest(path), says)
  })
}
