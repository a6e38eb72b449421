import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { Misuse, type Context } from '../command.ts'
import { readApproval } from './approval-file.ts'
import { makeStaffKey, readStaffKey } from './staff-key.ts'

const passphrase = 'correct horse battery'

/** Somebody at a terminal, who answers one question after the other. */
function typing(...answers: readonly string[]): Context {
  const left = [...answers]
  return {
    env: {}, root: '', clock: systemClock, random: systemRandom, isTerminal: true,
    out: () => undefined, err: () => undefined, onReload: () => undefined, interrupted: new AbortController().signal,
    askSecret: () => {
      const answer = left.shift()
      return answer === undefined ? Promise.reject(new Misuse('asked too often')) : Promise.resolve(new Secret(answer))
    },
  }
}

function fileIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-staff-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'key.pem')
}

test('a key is kept under its passphrase, for its owner alone', async (t) => {
  const path = fileIn(t)
  const made = await makeStaffKey(typing(passphrase, passphrase), path, { isEncrypted: true })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(readFileSync(path, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
  const read = await readStaffKey(typing(passphrase), path)
  assert.equal(publicKeyText(createPublicKey(read)), made.publicKey)
  await assert.rejects(readStaffKey(typing('another passphrase'), path), { code: 'launcher/failed' })
})

for (const [what, answers] of [['a short passphrase', ['eleven char']], ['two passphrases', [passphrase, `${passphrase}!`]]] as const) {
  test(`makes no key with ${what}`, async (t) => {
    const path = fileIn(t)
    await assert.rejects(makeStaffKey(typing(...answers), path, { isEncrypted: true }), Misuse)
    assert.equal(existsSync(path), false)
  })
}

test('reads no key that others may read, of another kind, or that is none', async (t) => {
  const path = fileIn(t)
  await assert.rejects(readStaffKey(typing(), path), Misuse)
  assert.throws(() => readApproval(path), Misuse)
  await makeStaffKey(typing(), path, { isEncrypted: false })
  chmodSync(path, 0o640)
  await assert.rejects(readStaffKey(typing(), path), { code: 'launcher/failed' })
  chmodSync(path, 0o600)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const content of [privateKey.export({ type: 'pkcs8', format: 'pem' }), 'no key']) {
    writeFileSync(path, content)
    await assert.rejects(readStaffKey(typing(), path), { code: 'launcher/failed' })
  }
})
