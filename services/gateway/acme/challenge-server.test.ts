import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChallengeServer, type ChallengeServer } from './challenge-server.ts'
import { Challenges } from './challenges.ts'

const token = 'abcdefghijklmnopqrstuvwxyz-_0123456789'
const keyAuthorization = `${token}.${'k'.repeat(43)}`
const path = `/.well-known/acme-challenge/${token}`
const nothing = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
const found = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: ${keyAuthorization.length}\r\n\r\n${keyAuthorization}`

let server: ChallengeServer
let port: number
const asked: string[] = []
before(async () => {
  server = createChallengeServer(async (of, name) => {
    asked.push(`${of} ${name}`)
    return of === token && name === 'api.example' ? keyAuthorization : undefined
  })
  port = await server.listen({ host: '127.0.0.1', port: 0 })
})
after(() => { server.close() })

/** Sends bytes as they are and gives all that comes back until the end of the connection. */
function send(bytes: string, at = port): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: at }, () => socket.write(bytes))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('close', () => { resolve(Buffer.concat(chunks).toString('latin1')) })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(Buffer.concat(chunks).toString('latin1'))
      else reject(error)
    })
  })
}

const request = (line = `GET ${path} HTTP/1.1`, headers: readonly string[] = ['Host: api.example']): string => [line, ...headers, '', ''].join('\r\n')

test('an authority gets the answer to its challenge, and nothing besides', async () => {
  assert.equal(await send(request()), found)
  assert.equal(await send(request(undefined, ['Host: API.example:80', 'User-Agent: Mozilla/5.0 (compatible; Validation)', 'Accept: */*', 'Connection: close'])), found)
})

/** Each row is a request to which there is one answer, whatever is known. */
const refused: readonly (readonly [claim: string, bytes: string])[] = [
  ['another path', request('GET / HTTP/1.1')],
  ['the API', request('POST /v1/payments HTTP/1.1', ['Host: api.example', 'Content-Length: 2']) + '{}'],
  ['health', request('GET /healthz HTTP/1.1')],
  ['a token that is not known', request(`GET ${path}x HTTP/1.1`)],
  ['the folder', request('GET /.well-known/acme-challenge/ HTTP/1.1')],
  ['dot segments', request(`GET /.well-known/acme-challenge/../acme-challenge/${token} HTTP/1.1`)],
  ['dot segments behind it', request(`GET ${path}/../../etc/passwd HTTP/1.1`)],
  ['an encoded slash', request(`GET ${path}%2f HTTP/1.1`)],
  ['an encoded letter', request(`GET /.well-known/acme-challenge/%61${token.slice(1)} HTTP/1.1`)],
  ['a query', request(`GET ${path}?x=1 HTTP/1.1`)],
  ['a full address', request(`GET http://api.example${path} HTTP/1.1`)],
  ['a backslash', request(`GET \\.well-known\\acme-challenge\\${token} HTTP/1.1`)],
  ['a token without end', request(`GET ${path}${'a'.repeat(3_000)} HTTP/1.1`)],
  ['another name', request(undefined, ['Host: other.example'])],
  ['the machine\'s address', request(undefined, ['Host: 127.0.0.1'])],
  ['no name', request(undefined, [])],
  ['two names', request(undefined, ['Host: api.example', 'Host: api.example'])],
  ['a name with more behind it', request(undefined, ['Host: api.example@evil.example'])],
  ['HTTP/1.0', request(`GET ${path} HTTP/1.0`)],
  ['HEAD', request(`HEAD ${path} HTTP/1.1`)],
  ['POST', request(`POST ${path} HTTP/1.1`, ['Host: api.example', 'Content-Length: 0'])],
  ['a body', request(undefined, ['Host: api.example', 'Content-Length: 5']) + 'hello'],
  ['a body in chunks', request(undefined, ['Host: api.example', 'Transfer-Encoding: chunked']) + '0\r\n\r\n'],
  ['a body twice over', request(undefined, ['Host: api.example', 'Content-Length: 5', 'Transfer-Encoding: chunked']) + '0\r\n\r\n'],
  ['an upgrade', request(undefined, ['Host: api.example', 'Connection: Upgrade', 'Upgrade: websocket'])],
  ['a tunnel', request('CONNECT api.example:443 HTTP/1.1')],
  ['an expectation', request(undefined, ['Host: api.example', 'Expect: 100-continue'])],
  ['forty headers', request(undefined, ['Host: api.example', ...Array.from({ length: 40 }, (_, at) => `X-${at}: 1`)])],
  ['a head past its bound', request(undefined, ['Host: api.example', `X: ${'x'.repeat(8_000)}`])],
  ['a folded header', request(undefined, ['Host: api.example', 'X: 1', ' 2'])],
  ['bare line feeds', `GET ${path} HTTP/1.1\nHost: api.example\n\n`],
  ['a null byte', request(`GET ${path}\0 HTTP/1.1`)],
  ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(64, '\x00')],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
]

describe('gets the one answer that says nothing:', () => {
  for (const [claim, bytes] of refused) test(claim, async () => { assert.equal(await send(bytes), nothing) })
})

test('what follows in a connection is no request', async () => {
  asked.length = 0
  assert.equal(await send(request() + request()), found)
  assert.equal(await send(request('GET / HTTP/1.1') + request()), nothing)
  await sleep(20)
  assert.equal(asked.length, 1)
})

test('who says nothing, or slowly, is cut off', { timeout: 60_000 }, async () => {
  const answers = await Promise.all([send(''), send(`GET ${path} HTTP/1.1\r\nHost: api.exa`)])
  for (const answer of answers) assert.ok(answer === nothing || answer === '')
})

test('past sixty-four connections nobody else is let in', async () => {
  const sockets = Array.from({ length: 80 }, () => connect({ host: '127.0.0.1', port }))
  let ended = 0
  for (const socket of sockets) {
    socket.on('error', () => undefined)
    socket.once('close', () => { ended++ })
  }
  for (let waited = 0; waited < 2_000 && ended < 16; waited += 20) await sleep(20)
  assert.equal(ended, 16)
  for (const socket of sockets) socket.destroy()
  await sleep(50)
  assert.equal(await send(request()), found)
})

test('when what it asks fails, there is the same answer', async () => {
  const failing = createChallengeServer(() => Promise.reject(new Error('away')))
  const at = await failing.listen({ host: '127.0.0.1', port: 0 })
  assert.equal(await send(request(), at), nothing)
  failing.close()
})

describe('what authorities ask', () => {
  const challenge = { token, name: 'api.example', keyAuthorization }

  test('is found the moment it is written, and is another name\'s by no name', async () => {
    let all: (typeof challenge)[] = []
    const challenges = new Challenges({ list: async () => all, monotonicMs: () => performance.now(), sleep })
    assert.equal(await challenges.find(token, 'api.example'), undefined)
    all = [challenge]
    assert.equal(await challenges.find(token, 'api.example'), keyAuthorization)
    assert.equal(await challenges.find(token, 'other.example'), undefined)
    assert.equal(await challenges.find(`${token}x`, 'api.example'), undefined)
  })

  test('is read twice a second at most, however many ask for what is not there', async () => {
    let reads = 0
    const challenges = new Challenges({
      list: async () => {
        reads++
        return []
      }, monotonicMs: () => performance.now(), sleep,
    })
    const untilMs = performance.now() + 1_200
    await Promise.all(Array.from({ length: 64 }, async (_, at) => {
      while (performance.now() < untilMs) await challenges.find(`guess-${at}-${performance.now()}`, 'api.example')
    }))
    assert.ok(reads >= 2 && reads <= 5, `${reads}`)
  })

  test('is not there while the database is away, and is there again after it', async () => {
    let isAway = true
    const challenges = new Challenges({
      list: async () => {
        if (isAway) throw new Error('away')
        return [challenge]
      }, monotonicMs: () => performance.now(), sleep,
    })
    assert.equal(await challenges.find(token, 'api.example'), undefined)
    isAway = false
    assert.equal(await challenges.find(token, 'api.example'), keyAuthorization)
  })
})
