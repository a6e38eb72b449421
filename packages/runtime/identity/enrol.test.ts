import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Fault, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { startTestCustodian, TestAuthority, type TestCustodian } from '@ngome/testkit'
import { createLogger } from '../logs/create-logger.ts'
import { enrol } from './enrol.ts'
import { parseCertificateRole } from './spiffe.ts'
import { X509Certificate } from 'node:crypto'

const dataDir = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
after(() => rmSync(dataDir, { recursive: true }))
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const surroundings = { clock: systemClock, random: systemRandom, logger }

const hasCode = (code: string) => (error: unknown) => error instanceof Fault && error.code === code

describe('enrol', () => {
  test('gives a certificate of the role, for a key that this process made', async () => {
    const custodian = await startTestCustodian({ dataDir: join(dataDir, 'a') })
    const { publicKey } = generateKeyPairSync('ed25519')
    const identity = await enrol({
      config: custodian.config, role: 'gateway', token: custodian.token('gateway'), signerPublicKey: publicKey, ...surroundings,
    })
    assert.equal(parseCertificateRole(new X509Certificate(identity.secureContext().cert)), 'gateway')
    assert.match(identity.signerId ?? '', /^sig_/)
    assert.ok(identity.statementKey.equals(custodian.authority.statementKeys.publicKey))
    identity.stop()
    await custodian.close()
  })
})
