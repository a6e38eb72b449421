import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault, Secret, systemClock, systemRandom, type FaultCode } from '@ngome/kernel'
import { freePorts, startTestCustodian, type TestCustodian } from '@ngome/testkit'
import { PeerAgent } from '../custodian/peer-agent.ts'
import { postJson } from '../custodian/post-json.ts'
import { createLogger } from '../logs/create-logger.ts'
import { enrolmentServer } from '../server/enrolment-server.ts'
import { newCertificateRequest } from './certificate-request.ts'
import { enrol, type Enrolment } from './enrol.ts'
import type { Identity } from './identity.ts'
import { publicKeyText } from './public-key-text.ts'
import { parseCertificateRole } from './spiffe.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const surroundings = { clock: systemClock, random: systemRandom, logger }
const isFault = (code: FaultCode, says = /./) => (error: unknown) =>
  error instanceof Fault && error.code === code && says.test(error.message)

describe('enrol', () => {
  let custodian: TestCustodian
  before(async () => {
    custodian = await startTestCustodian({ dataDir: join(dataDir, 'custodian') })
  })
  after(async () => {
    await custodian.close()
    rmSync(dataDir, { recursive: true })
  })
  const enrolWith = (changes: Partial<Enrolment>) => enrol({
    config: custodian.config, role: 'gateway', token: custodian.token('gateway'), ...surroundings, ...changes,
  })

  test('gives a certificate of the role, and what the custodian signs with', async () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const identity = await enrolWith({ signerPublicKey: publicKey })
    assert.equal(parseCertificateRole(new X509Certificate(identity.secureContext().cert)), 'gateway')
    assert.match(identity.signerId ?? '', /^sig_/)
    assert.ok(identity.statementKey.equals(custodian.authority.statementKeys.publicKey))
    assert.equal(identity.authority, custodian.authority.pem)
    assert.equal((await enrolWith({})).signerId, null)
  })

  test('is refused with a token that is spent', async () => {
    const token = custodian.token('gateway')
    await enrolWith({ token })
    await assert.rejects(enrolWith({ token }), isFault('custodian/enrolment_refused', /403 custodian\/enrolment_refused/))
  })

  test('is refused with a token that is none, or another role\'s, before anything is sent', async () => {
    const nowhere = { dataDir: '/nonexistent', custodian: custodian.config.custodian }
    for (const text of ['', 'x', '.', 'e30.x', `${Buffer.from('{"role":"gateway"}').toString('base64url')}.x`]) {
      await assert.rejects(enrolWith({ config: nowhere, token: new Secret(text) }), isFault('custodian/enrolment_refused'))
    }
    const token = custodian.token('dispatcher')
    await assert.rejects(enrolWith({ config: nowhere, token }), isFault('custodian/enrolment_refused', /is for dispatcher, not for gateway/))
  })

  test('waits for a custodian that comes late, and for its authority', async () => {
    const [port = 0, enrolmentPort = 0] = await freePorts(2)
    const config = {
      dataDir: join(dataDir, 'late'), custodian: { host: '127.0.0.1', port, enrolmentPort, enrolmentKeyPath: '' },
    }
    const enrolled = enrolWith({ config, token: custodian.token('gateway') })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const late = await startTestCustodian({ dataDir: config.dataDir, ports: { port, enrolmentPort } })
    assert.ok((await enrolled).notAfterMs() > systemClock.nowMs())
    await late.close()
  })

  test('gives up when the token has expired', async () => {
    const [port = 0, enrolmentPort = 0] = await freePorts(2)
    const away = { dataDir: custodian.config.dataDir, custodian: { ...custodian.config.custodian, port, enrolmentPort } }
    const token = custodian.token('gateway', 400)
    await assert.rejects(enrolWith({ config: away, token }), isFault('custodian/unavailable', /until the enrolment token expired/))
  })

  test('never shows its token to a server of another authority', async () => {
    const foreign = await startTestCustodian({ dataDir: join(dataDir, 'foreign') })
    const config = { dataDir: custodian.config.dataDir, custodian: foreign.config.custodian }
    const token = custodian.token('gateway', 300)
    await assert.rejects(enrolWith({ config, token }), isFault('custodian/unavailable'))
    assert.equal((await enrol({ config: foreign.config, role: 'gateway', token, ...surroundings })).role, 'gateway')
    await foreign.close()
  })

  /** Serves enrolments with this identity and this answer. */
  async function serve(identity: Identity, answer: unknown) {
    let callsSeen = 0
    const server = await enrolmentServer({
      identity, host: '127.0.0.1', port: 0, ...surroundings,
      handle: async () => {
        callsSeen++
        return answer
      },
    })
    const config = { dataDir: custodian.config.dataDir, custodian: { ...custodian.config.custodian, enrolmentPort: server.port } }
    return { server, config, calls: () => callsSeen }
  }

  test('never shows its token to another process of the same authority', async () => {
    const { server, config, calls } = await serve(await custodian.enrol('dispatcher'), {})
    await assert.rejects(enrolWith({ config, token: custodian.token('gateway', 200) }), isFault('custodian/unavailable'))
    assert.equal(calls(), 0)
    await server.close()
  })

  test('refuses a certificate for another key, and a statement key that is none', async () => {
    const { csr } = await newCertificateRequest('gateway')
    const statementKey = publicKeyText(custodian.authority.statementKeys.publicKey)
    const answer = { certificate: await custodian.authority.issue(csr, 'gateway'), authority: custodian.authority.pem, signerId: null }
    for (const [body, says] of [
      [{ ...answer, statementKey }, /another key/], [{ ...answer, statementKey: 'AAAA' }, /not Ed25519/],
    ] as const) {
      const { server, config } = await serve(custodian.identity, body)
      await assert.rejects(enrolWith({ config }), isFault('custodian/enrolment_refused', says))
      await server.close()
    }
  })

  test('does not stop at an answer that breaks the contract, nor spend more than the token\'s life on it', async () => {
    const { server, config, calls } = await serve(custodian.identity, { certificate: 7 })
    await assert.rejects(enrolWith({ config, token: custodian.token('gateway', 300) }), isFault('custodian/unavailable'))
    assert.ok(calls() >= 2)
    await server.close()
  })

  test('trusts nobody where ca.pem is not the certificate of an authority', async () => {
    const leaf = await custodian.authority.issue((await newCertificateRequest('gateway')).csr, 'gateway')
    for (const [at, content] of ['', 'no certificate', leaf].entries()) {
      const folder = join(dataDir, `untrusted-${at}`)
      mkdirSync(folder)
      writeFileSync(join(folder, 'ca.pem'), content)
      const { server, config, calls } = await serve(custodian.identity, {})
      const token = custodian.token('gateway', 100)
      await assert.rejects(enrolWith({ config: { ...config, dataDir: folder }, token }), isFault('custodian/unavailable'))
      assert.equal(calls(), 0)
      await server.close()
    }
  })
})

test('the port of enrolment serves enrolment only, and the port of calls never without a certificate', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
  const custodian = await startTestCustodian({ dataDir: folder })
  const swapped = {
    dataDir: folder,
    custodian: { ...custodian.config.custodian, enrolmentPort: custodian.config.custodian.port },
  }
  await assert.rejects(
    enrol({ config: swapped, role: 'gateway', token: custodian.token('gateway', 300), ...surroundings }), isFault('custodian/unavailable'),
  )
  const unknown: string[] = []
  const server = await enrolmentServer({
    identity: custodian.identity, host: '127.0.0.1', port: 0, ...surroundings,
    handle: async () => ({}),
    onUnknownPath: async (path) => void unknown.push(path),
  })
  const agent = new PeerAgent({ ca: custodian.authority.pem }, 'custodian')
  const answer = await postJson({ agent, host: '127.0.0.1', port: server.port, path: '/v1/open', body: {}, isRepeatable: true, timeoutMs: 2000 })
  assert.equal(answer.status, 404)
  assert.deepEqual(unknown, ['/v1/open'])
  agent.destroy()
  await Promise.all([server.close(), custodian.close()])
  rmSync(folder, { recursive: true })
})
