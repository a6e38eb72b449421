import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import {
  AnswerError, ConnectionError, Ngome, PeerError, RateLimitError, TimeoutError, type AttemptReport, type NgomeOptions,
} from './mod.ts'
import { HostileServer, type Behaviour } from './testing/hostile-server.ts'
import { keyOf } from './testing/key.ts'

const apiKey = keyOf()
const mebibyte = 1_048_576

let server: HostileServer
const others: HostileServer[] = []
const clients: Ngome[] = []
let reports: AttemptReport[] = []

before(async () => { server = await HostileServer.start() })
after(() => {
  for (const client of clients) client.close()
  for (const one of [server, ...others]) one.close()
})

function client(behaviour: Behaviour, options: NgomeOptions = {}): Ngome {
  server.behaviour = behaviour
  server.requests.length = 0
  reports = []
  const made = new Ngome({
    apiKey, baseUrl: server.baseUrl, ca: server.authority.pem, onAttempt: (report) => reports.push(report), retriesMax: 1, ...options,
  })
  clients.push(made)
  return made
}

const once = (made: Ngome): Promise<unknown> => made.payments.list().first()
const good: Behaviour = (_, response) => response.end('{"data":[]}')

async function failure(made: Ngome): Promise<Error> {
  const error: unknown = await once(made).then(() => undefined, (cause: unknown) => cause)
  assert.ok(error instanceof Error)
  assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(apiKey.slice(45)), 'the key is in the error')
  return error
}

suite('an answer that never ends well', () => {
  const cuts: readonly (readonly [string, Behaviour])[] = [
    ['a reset', (request) => request.socket.destroy()],
    ['half a head', (request) => request.socket.end('HTTP/1.1 200 OK\r\nContent-')],
    ['half a body of a said length', (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"da')
      setTimeout(() => response.destroy(), 20)
    }],
    ['half a chunked body', (_, response) => {
      response.write('{"da')
      setTimeout(() => response.destroy(), 20)
    }],
    ['no HTTP at all', (request) => request.socket.end('SSH-2.0-OpenSSH\r\n\r\n')],
  ]
  for (const [what, behaviour] of cuts) {
    test(`${what} is a ConnectionError, after a retry that failed too`, async () => {
      assert.ok(await failure(client(behaviour)) instanceof ConnectionError)
      assert.equal(reports.length, 2)
    })

    test(`${what} is got over where the next attempt succeeds`, async () => {
      assert.deepEqual(await once(client((request, response, count) => (count === 1 ? behaviour : good)(request, response, count))), { data: [] })
    })
  }

  test('a drip of bytes ends with the deadline, and with it the connection', { timeout: 60_000 }, async () => {
    const closed = Promise.withResolvers<void>()
    const drip: Behaviour = (_, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => {
        clearInterval(timer)
        closed.resolve()
      })
    }
    const made = client(drip, { timeoutMs: 600, attemptTimeoutMs: 120_000 })
    assert.ok(await failure(made) instanceof TimeoutError)
    await closed.promise
  })
})

suite('an answer that is too much', () => {
  const large = Buffer.alloc(mebibyte, ' ')
  test('by its own word is not read at all', async () => {
    let written = 0
    const error = await failure(client((_, response) => {
      response.writeHead(200, { 'content-length': 100 * mebibyte })
      response.write(large, () => { written++ })
    }))
    assert.ok(error instanceof AnswerError)
    assert.deepEqual([error.code, server.requests.length], ['sdk/answer_too_large', 1])
    assert.ok(written <= 1)
  })

  test('without a word is read no further than its bound: 100 MB are not', async () => {
    let written = 0
    const pour: Behaviour = (_, response) => {
      const next = (): void => {
        if (response.destroyed || written >= 100) return
        written++
        if (response.write(large)) setImmediate(next)
        else response.once('drain', next)
      }
      next()
    }
    const error = await failure(client(pour))
    assert.ok(error instanceof AnswerError)
    assert.equal(error.code, 'sdk/answer_too_large')
    assert.ok(written < 20, `${written} MiB were written`)
  })

  test('in headers is refused', async () => {
    assert.ok(await failure(client((_, response) => response.writeHead(200, { 'x-large': 'x'.repeat(65_536) }).end('{}'))) instanceof Error)
  })
})

suite('a redirect', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`${status} is not followed, and no credential goes there`, async () => {
      const elsewhere = await HostileServer.start()
      others.push(elsewhere)
      const error = await failure(client((_, response) => response.writeHead(status, { location: `${elsewhere.baseUrl}/v1/payments` }).end()))
      assert.ok(error instanceof AnswerError)
      assert.deepEqual([error.code, server.requests.length, elsewhere.requests.length], ['sdk/redirect_refused', 1, 0])
    })
  }
})

suite('a refusal', () => {
  test('with 429 and Retry-After is waited for, and then answered', async () => {
    const problem = JSON.stringify({ type: 'x', title: 'Slower.', status: 429, code: 'limits/exceeded', request_id: 'req_1' })
    const startedAtMs = performance.now()
    await once(client((request, response, count) => (count > 1 ? good(request, response, count) : response.writeHead(429, {
      'content-type': 'application/problem+json', 'retry-after': '1', ratelimit: '"key";r=0;t=1',
    }).end(problem))))
    assert.ok(performance.now() - startedAtMs >= 1_000)
    assert.deepEqual(reports.map(({ status, code }) => [status, code]), [[429, 'limits/exceeded'], [200, undefined]])
    const error = await failure(client((_, response) => response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '900' }).end(problem)))
    assert.ok(error instanceof RateLimitError)
    assert.equal(error.retryAfterS, 900)
  })

  test('with 503 of a proxy is got over', async () => {
    assert.deepEqual(await once(client((request, response, count) => (count > 1 ? good(request, response, count) : response.writeHead(503).end('busy')))), { data: [] })
  })
})

suite('a peer', () => {
  /** Nothing of a request, its key included, may arrive at a peer that is not the one. */
  const refused = async (at: HostileServer, options: NgomeOptions, code: string): Promise<void> => {
    at.requests.length = 0
    const made = client(good, { baseUrl: at.baseUrl, ...options })
    const error = await failure(made)
    assert.ok(error instanceof PeerError, inspect(error))
    assert.deepEqual([error.code, at.requests.length, reports.length], [code, 0, 1])
  }
  const started = async (options: Parameters<typeof HostileServer.start>[0]): Promise<HostileServer> => {
    const one = await HostileServer.start(options)
    others.push(one)
    return one
  }

  test('of another authority is refused', async () => {
    const other = await started({})
    await refused(other, { ca: server.authority.pem }, 'sdk/peer_refused')
    await refused(server, { ca: undefined }, 'sdk/peer_refused')
  })

  test('of another name is refused', async () => {
    const other = await started({ hosts: ['api.example.com'] })
    await refused(other, { ca: other.authority.pem }, 'sdk/peer_refused')
  })

  test('whose certificate has ended is refused', async () => {
    const other = await started({ notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) })
    await refused(other, { ca: other.authority.pem }, 'sdk/peer_refused')
  })

  test('whose key is not pinned is refused, though an authority vouches for it', async () => {
    await refused(server, { pins: [createHash('sha256').update('another').digest('base64')] }, 'sdk/pin_refused')
  })

  test('whose key, or whose authority\'s, is pinned is taken, on every new connection', async () => {
    const backup = createHash('sha256').update('backup').digest('base64')
    const authority = createHash('sha256')
      .update(new X509Certificate(server.authority.pem).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
    for (const pin of [server.pin, authority]) {
      const made = client((_, response) => response.writeHead(200, { connection: 'close' }).end('{"data":[]}'), { pins: [backup, pin] })
      for (let count = 0; count < 3; count++) assert.deepEqual(await once(made), { data: [] })
    }
  })

  test('that is away is a ConnectionError', async () => {
    const gone = await started({})
    const { baseUrl } = gone
    gone.close()
    assert.ok(await failure(client(good, { baseUrl })) instanceof ConnectionError)
  })
})

test('connections are kept from call to call', async () => {
  const seen = new Set<unknown>()
  const made = client((request, response) => {
    seen.add(request.socket.remotePort)
    response.end('{}')
  })
  for (let count = 0; count < 5; count++) await once(made)
  assert.equal(seen.size, 1)
})

test('what is sent names the client, and holds nothing that nobody asked for', async () => {
  await client(good).payments.create({ amount: '5.00', currency: 'EUR', network: 'mtn-sandbox', payer: { phone: '+46733123499' }, reference: 'r' })
  const headers = server.requests[0]?.headers ?? {}
  assert.deepEqual(Object.keys(headers).toSorted(), ['accept', 'authorization', 'connection', 'content-length', 'content-type', 'host', 'idempotency-key', 'user-agent'])
  assert.match(headers['user-agent'] ?? '', /^ngome-sdk\/[0-9.]+$/)
  assert.match(headers['idempotency-key'] as string, /^[0-9a-f-]{36}$/)
})
