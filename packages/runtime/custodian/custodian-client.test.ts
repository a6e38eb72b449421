import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { challengeHeader } from '@ngome/contracts'
import { Fault, systemClock, systemRandom, type FaultCode } from '@ngome/kernel'
import { freePorts, startTestCustodian, type TestCustodian } from '@ngome/testkit'
import type { Identity } from '../identity/identity.ts'
import { createLogger } from '../logs/create-logger.ts'
import { createMetrics } from '../metrics.ts'
import { internalServer } from '../server/internal-server.ts'
import { custodianClient } from './custodian-client.ts'
import { CustodianRefusal, verifyRefusal, type SignedRefusal } from './refusal.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
after(() => rmSync(dataDir, { recursive: true }))
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const challenge = Buffer.alloc(32, 7).toString('base64url')
const isFault = (code: FaultCode, says = /./) => (error: unknown) => {
  assert.ok(error instanceof Fault && error.code === code && says.test(error.message), String(error))
  return true
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

describe('a call to the custodian', () => {
  let custodian: TestCustodian
  let gateway: Identity
  let asked: unknown
  before(async () => {
    custodian = await startTestCustodian({
      dataDir,
      answers: {
        '/v1/secrets': (body, call) => {
          asked = { body, caller: call.caller }
          return { secrets: [{ name: 'callback', version: 1, value: 'AAAA' }] }
        },
        '/v1/merchant-keys': () => ({ statements: ['not base64url!'] }),
        '/v1/openings': () => ({ entries: [], extra: 1 } as { entries: [] }),
        '/v1/tenants': (_body, call) => {
          const statement = JSON.stringify({
            challenge: call.header(challengeHeader) ?? '', caller: call.caller, operation: '/v1/tenants', reason: 'purpose',
            at: new Date(systemClock.nowMs()).toISOString(),
          })
          const signature = sign(null, Buffer.from(statement), custodian.authority.statementKeys.privateKey).toString('base64url')
          throw new CustodianRefusal('not for you', { refusal: { statement, signature } })
        },
        '/v1/index': () => {
          throw new Fault('store/unavailable', 'x')
        },
      },
    })
    gateway = await custodian.enrol('gateway')
  })
  after(() => custodian.close())

  test('is answered by the contract of its operation', async () => {
    const client = custodianClient(gateway, custodian.config)
    assert.deepEqual(await client.call('/v1/secrets', { names: ['callback'] }), { secrets: [{ name: 'callback', version: 1, value: 'AAAA' }] })
    assert.deepEqual(asked, { body: { names: ['callback'] }, caller: 'gateway' })
    client.close()
  })

  test('is refused with a signed refusal that proves who said no, to what, and when', async () => {
    const client = custodianClient(gateway, custodian.config)
    const refused = await client.call('/v1/tenants', { after: null }, { challenge }).then(() => assert.fail(), (error: unknown) => error)
    assert.ok(refused instanceof CustodianRefusal && refused.code === 'custodian/refused')
    const statement = verifyRefusal(gateway.statementKey, refused.refusal ?? assert.fail(), challenge)
    assert.deepEqual([statement?.caller, statement?.operation], ['gateway', '/v1/tenants'])
    client.close()
  })

  test('is refused without a signature where none was made', async () => {
    const client = custodianClient(gateway, custodian.config)
    await assert.rejects(client.call('/v1/merchants', { merchant: 'mer_01h455vb4pex5vsknk084sn02q', world: 'test' }), (error) =>
      error instanceof CustodianRefusal && error.refusal === undefined)
    client.close()
  })

  test('fails as unavailable where the answer breaks the contract or is a failure', async () => {
    const client = custodianClient(gateway, custodian.config)
    await assert.rejects(client.call('/v1/merchant-keys', { tenants: [] }), isFault('custodian/unavailable', /breaks the contract at statements\.0/))
    await assert.rejects(client.call('/v1/openings', { after: 0 }), isFault('custodian/unavailable', /breaks the contract/))
    const blinded = { merchant: 'mer_01h455vb4pex5vsknk084sn02q', world: 'test', blinded: ['AAAA'] } as const
    await assert.rejects(client.call('/v1/index', { ...blinded, blinded: ['AAAA'] }), isFault('custodian/unavailable', /503 store\/unavailable/))
    client.close()
  })

  const call = (port: number, timeoutMs = 2000, identity = gateway) => {
    const client = custodianClient(identity, { custodian: { host: '127.0.0.1', port } })
    return client.call('/v1/secrets', { names: [] }, { timeoutMs }).finally(() => client.close())
  }

  test('fails as unavailable where nobody listens', async () => {
    const [port = 0] = await freePorts(1)
    await assert.rejects(call(port), isFault('custodian/unavailable'))
  })

  test('fails in time where somebody listens and says nothing', async () => {
    const silent = createTcpServer()
    const port = await listen(silent)
    await assert.rejects(call(port, 200), isFault('custodian/unavailable', /no answer in 200 ms/))
    silent.close()
  })

  test('is not made to another process of ours', async () => {
    const dispatcher = await custodian.enrol('dispatcher')
    const server = await internalServer({
      identity: dispatcher, host: '127.0.0.1', port: 0, clock: systemClock, random: systemRandom, logger, metrics: createMetrics({ process: 'x' }),
      routes: [{ method: 'POST', path: '/v1/secrets', callers: ['gateway'], handle: async () => assert.fail('the call arrived') }],
    })
    await assert.rejects(call(server.port), (error) =>
      isFault('custodian/unavailable')(error) && /did not prove to be spiffe:\/\/ngome\.internal\/custodian/.test(String((error as Fault).cause)))
    await server.close()
  })

  test('is not made to a custodian of another authority', async () => {
    const foreign = await startTestCustodian({ dataDir: join(dataDir, 'foreign'), answers: { '/v1/secrets': () => assert.fail('the call arrived') } })
    await assert.rejects(call(foreign.config.custodian.port), isFault('custodian/unavailable'))
    await foreign.close()
  })

  test('is not made over TLS 1.2', async () => {
    const { key, cert } = custodian.identity.secureContext()
    const old = createTlsServer({ key, cert, maxVersion: 'TLSv1.2' })
    await assert.rejects(call(await listen(old)), isFault('custodian/unavailable'))
    old.close()
  })

  test('is not made with an identity that has expired', async () => {
    const short = await startTestCustodian({ dataDir: join(dataDir, 'short'), certificateLifeMs: 3000 })
    const identity = await short.enrol('gateway')
    const client = custodianClient(identity, short.config)
    await new Promise((resolve) => setTimeout(resolve, identity.notAfterMs() - Date.now() + 20))
    await assert.rejects(client.call('/v1/secrets', { names: [] }), isFault('identity/expired'))
    assert.throws(() => identity.secureContext(), isFault('identity/expired'))
    client.close()
    await short.close()
  })

  /** Whatever a broken or hostile custodian could send. */
  const answers: readonly (readonly [claim: string, says: RegExp, answer: (socket: Socket) => void])[] = [
    ['an answer without end', /longer than/, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${64 * 1024 * 1024}\r\n\r\n`)
      const fill = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 0x20)));
      }
      socket.on('drain', fill).on('error', () => undefined)
      fill()
    }],
    ['an answer that breaks off', /broke off|failed/, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{', () => socket.destroy())
    }],
    ['an answer that is not JSON', /not strict JSON/, (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')],
    ['an answer with a key twice', /duplicate_key/, (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"a":1,"a":1      }')],
    ['what is not HTTP', /the call failed/, (socket) => void socket.end('hello\r\n\r\n')],
    ['a redirect', /answered 302/, (socket) => void socket.end('HTTP/1.1 302 Found\r\nlocation: https://x\r\ncontent-length: 2\r\n\r\n{}')],
    ['a refusal that is no problem document', /answered 403/, (socket) => void socket.end('HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n{}')],
    ['an answer that comes drop by drop', /no answer in/, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n')
      const drop = setInterval(() => socket.write(' '), 50)
      socket.on('error', () => undefined).once('close', () => clearInterval(drop))
    }],
  ]
  for (const [claim, says, answer] of answers) {
    test(`survives ${claim}`, async () => {
      const { key, cert, ca } = custodian.identity.secureContext()
      const server = createTlsServer({ key, cert, ca, minVersion: 'TLSv1.3', requestCert: true }, (socket) => {
        socket.on('error', () => undefined).once('data', () => answer(socket))
      })
      await assert.rejects(call(await listen(server), 1000), isFault('custodian/unavailable', says))
      server.close()
    })
  }

  test('is made again, once, where a kept connection was closed before the call arrived', async () => {
    const { key, cert, ca } = custodian.identity.secureContext()
    let connections = 0
    const server = createTlsServer({ key, cert, ca, minVersion: 'TLSv1.3', requestCert: true }, (socket: TLSSocket) => {
      const isFirst = ++connections === 1
      let calls = 0
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
        if (!chunk.toString().endsWith('}')) return
        if (isFirst && ++calls === 2) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"secrets":[]}')
      })
    })
    const client = custodianClient(gateway, { custodian: { host: '127.0.0.1', port: await listen(server) } })
    for (let at = 0; at < 3; at++) assert.deepEqual(await client.call('/v1/secrets', { names: [] }), { secrets: [] })
    assert.equal(connections, 2)
    client.close()
    server.close()
  })

  test('is no bug, but not answered, where a custodian that was killed left more kept connections than one', async (t) => {
    const { key, cert, ca } = custodian.identity.secureContext()
    const bothStand = Promise.withResolvers<void>()
    let connections = 0
    const server = createTlsServer({ key, cert, ca, minVersion: 'TLSv1.3', requestCert: true }, (socket: TLSSocket) => {
      if (++connections === 2) bothStand.resolve()
      let calls = 0
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
        if (!chunk.toString().endsWith('}')) return
        const answer = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"secrets":[]}'
        if (++calls === 2) socket.destroy()
        else void bothStand.promise.then(() => socket.write(answer))
      })
    })
    const client = custodianClient(gateway, { custodian: { host: '127.0.0.1', port: await listen(server) } })
    const call = () => client.call('/v1/secrets', { names: [] })
    await Promise.all([call(), call()])
    t.after(() => {
      client.close()
      server.close()
    })
    await assert.rejects(call(), isFault('custodian/unavailable', /the call failed/))
    assert.equal(connections, 2)
  })
})

describe('a signed refusal', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const said = { challenge, caller: 'gateway', operation: '/v1/open', reason: 'purpose', at: '2026-01-01T00:00:00.000Z' }
  const signed = (statement: string, key = privateKey): SignedRefusal => ({
    statement, signature: sign(null, Buffer.from(statement), key).toString('base64url'),
  })
  const good = signed(JSON.stringify(said))

  test('is what the custodian signed for this challenge', () => {
    assert.deepEqual(verifyRefusal(publicKey, good, challenge), said)
  })

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const forgeries: readonly (readonly [claim: string, refusal: SignedRefusal, challenge: string])[] = [
    ['for another challenge', good, Buffer.alloc(32, 8).toString('base64url')],
    ['for the beginning of the challenge', good, challenge.slice(0, 20)],
    ['of another key', signed(good.statement, generateKeyPairSync('ed25519').privateKey), challenge],
    ['whose words were changed', { ...good, statement: good.statement.replace('gateway', 'operator') }, challenge],
    ['without a signature', { ...good, signature: '' }, challenge],
    ['whose signature is no base64url', { ...good, signature: `${good.signature}=` }, challenge],
    ['that says more than a refusal does', signed(JSON.stringify({ ...said, extra: 1 })), challenge],
    ['that says a thing twice', signed(good.statement.replace('{', '{"reason":"x",')), challenge],
    ['that is no JSON', signed('no'), challenge],
  ]
  for (const [claim, refusal, asked] of forgeries) {
    test(`is none: ${claim}`, () => assert.equal(verifyRefusal(publicKey, refusal, asked), undefined))
  }

  test('is none under a key of another kind', () => {
    assert.equal(verifyRefusal(ec.publicKey, good, challenge), undefined)
  })
})
