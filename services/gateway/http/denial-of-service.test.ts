import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { connect as connectPlain } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { WatchedChild } from '@ngome/testkit'
import { connectFrom } from '../testing/connect-from.ts'
import { EchoApi } from '../testing/echo-api.ts'
import { noDefence } from '../testing/no-defence.ts'
import { rawRequest } from '../testing/raw-request.ts'
import { connectionSweepMs, slowGraceMs, slowReadMs } from './limits.ts'
import type { SlowKind } from './slow-connections.ts'

const megabyte = 1_048_576
const auth = 'Host: localhost\r\nAuthorization: Bearer x\r\n'
const json = `${auth}Content-Type: application/json\r\nIdempotency-Key: i\r\n`
const cut: Record<SlowKind, number> = { head: 0, body: 0, answer: 0 }
let api: EchoApi

before(async () => {
  api = await EchoApi.start({ defence: { ...noDefence, onCut: (kind) => cut[kind]++ } })
})
after(() => api.close())

const honest = (): Promise<{ readonly status: number; readonly body: string }> =>
  rawRequest(api, `GET /v1/payments?limit=3 HTTP/1.1\r\n${auth}\r\n`)

/** Asks again and again, from an address of its own, while something goes on. */
async function honestWhile<R>(attack: Promise<R>): Promise<R> {
  let isOver = false
  const over = attack.finally(() => { isOver = true })
  while (!isOver) {
    assert.equal((await honest()).status, 200)
    await Promise.race([over, sleep(100)])
  }
  return over
}

/** How long each connection lived, from its handshake, once all have ended. */
function lives(sockets: readonly TLSSocket[], begin: (socket: TLSSocket) => void): Promise<readonly number[]> {
  return Promise.all(sockets.map((socket) => new Promise<number>((resolve) => {
    let beganAtMs = performance.now()
    socket.once('secureConnect', () => {
      beganAtMs = performance.now()
      begin(socket)
    })
    socket.once('close', () => resolve(performance.now() - beganAtMs))
  })))
}

function drip(socket: TLSSocket, byte: string): void {
  const timer = setInterval(() => socket.write(byte), 500)
  socket.once('close', () => clearInterval(timer))
}

/** Clients that ask for much and read nothing; they do not even see the end, so that the server is asked for it. */
async function untilReadersAreCut(sockets: readonly TLSSocket[]): Promise<number> {
  const beganAtMs = performance.now()
  for (const socket of sockets) socket.once('secureConnect', () => socket.pause().write(`GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n`))
  while (cut.answer < sockets.length && performance.now() - beganAtMs < 40_000) await sleep(50)
  for (const socket of sockets) socket.destroy()
  return performance.now() - beganAtMs
}

/** Slow clients from as many addresses as they are: no bound by address helps against them. */
const from = (count: number, net: number): readonly TLSSocket[] =>
  Array.from({ length: count }, (_, at) => connectFrom(api, `127.${net}.${at >> 8}.${(at & 255) || 1}`))

test('slow heads, bodies and readers from hundreds of addresses are ended in their time; honest clients are all served', { timeout: 60_000 }, async () => {
  const rssBefore = process.memoryUsage().rss
  const [heads, bodies, readers] = await honestWhile(Promise.all([
    lives(from(100, 11), (socket) => {
      socket.resume().write('GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAccept: ')
      drip(socket, 'a')
    }),
    lives(from(100, 12), (socket) => {
      socket.resume().write(`POST /v1/payments HTTP/1.1\r\n${json}Content-Length: 9000\r\n\r\n`)
      drip(socket, ' ')
    }),
    untilReadersAreCut(from(8, 13)),
  ]))
  for (const ms of [...heads, ...bodies]) assert.ok(ms > slowGraceMs - 2 * connectionSweepMs, `${ms} ms`)
  assert.ok(readers > slowReadMs, `${readers} ms`)
  // Each by us: Node's own timeout for heads would end them too, and is not counted.
  assert.deepEqual([cut.head, cut.body, cut.answer], [100, 100, 8])
  assert.ok(process.memoryUsage().rss - rssBefore < 400 * megabyte)
})

const slowModes = [['-H', 'slow heads'], ['-B', 'slow bodies'], ['-X', 'slow reading']] as const
const isMissing = spawnSync('slowhttptest', ['-h']).error === undefined ? false : 'needs the package slowhttptest'

test('slowhttptest closes no door', { timeout: 60_000, skip: isMissing }, async () => {
  await honestWhile(Promise.all(slowModes.map(async ([mode, what]) => {
    const url = `https://127.0.0.1:${api.port}/v1/openapi.json`
    const child = new WatchedChild('slowhttptest', spawn('slowhttptest', [mode, '-c', '80', '-r', '80', '-i', '1', '-l', '9', '-u', url, '-p', '3'], { stdio: ['ignore', 'pipe', 'pipe'] }))
    assert.equal(await child.exited, 0, what)
    assert.doesNotMatch(child.output, /service available:\s*NO/, what)
  })))
})

const refused: readonly (readonly [threat: string, bytes: () => string, status: number])[] = [
  ['a hundred thousand headers', () => `GET /v1/payments HTTP/1.1\r\n${auth}${Array.from({ length: 100_000 }, (_, at) => `X-H${at}: 1\r\n`).join('')}\r\n`, 400],
  ['JSON a hundred thousand deep, in the largest body', () => {
    const body = '['.repeat(100_000) + ']'.repeat(100_000)
    return `POST /v1/vault/tokens/batch HTTP/1.1\r\n${json}Content-Length: ${body.length}\r\n\r\n${body}`
  }, 400],
  ['JSON a hundred thousand deep, where bodies are small', () => `POST /v1/payments HTTP/1.1\r\n${json}Content-Length: 100000\r\n\r\n${'['.repeat(100_000)}`, 413],
  ['JSON of a hundred thousand members', () => {
    const body = `{${Array.from({ length: 40_000 }, (_, at) => `"a${at}":1`).join()}}`
    return `POST /v1/vault/tokens/batch HTTP/1.1\r\n${json}Content-Length: ${body.length}\r\n\r\n${body}`
  }, 400],
  ['a decompression bomb', () => `POST /v1/payments HTTP/1.1\r\n${json}Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n${'\x1f\x8b\b'.padEnd(20)}`, 415],
  ['a head without an end', () => `GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAccept: ${'a'.repeat(megabyte)}`, 400],
  ['the preface of HTTP/2 (RFC 9113 \u00a73.4)', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400],
]
for (const [threat, bytes, status] of refused) {
  test(`refuses ${threat}, and waits for no end of it`, { timeout: 30_000 }, async () => {
    assert.equal((await rawRequest(api, bytes())).status, status)
    assert.equal((await honest()).status, 200)
  })
}

test('a million tiny requests on one connection end it, and take no memory that lasts', { timeout: 60_000 }, async () => {
  const rssBefore = process.memoryUsage().rss
  const socket = connectFrom(api, '127.14.0.1').resume()
  const many = Buffer.from(`GET /v1/payments HTTP/1.1\r\n${auth}\r\n`.repeat(1_000))
  let sent = 0
  const isOver = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
  const pump = (): void => {
    while (sent < 1_000_000 && !socket.destroyed && socket.write(many)) sent += 1_000
  }
  socket.on('drain', pump).once('secureConnect', pump)
  await honestWhile(isOver)
  assert.ok(sent < 1_000_000, 'it ended before the last')
  assert.ok(process.memoryUsage().rss - rssBefore < 200 * megabyte)
})

test('of a body that is too large no more is read than was on its way when its head was refused', { timeout: 30_000 }, async () => {
  const rssBefore = process.memoryUsage().rss
  const socket = connectFrom(api, '127.16.0.1').resume()
  const isOver = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
  const chunk = Buffer.alloc(65_536, 32)
  let sent = 0
  const pour = (): void => {
    while (!socket.destroyed && socket.write(chunk)) sent += chunk.length
  }
  socket.on('drain', pour).once('secureConnect', () => {
    socket.write(`POST /v1/payments HTTP/1.1\r\n${json}Content-Length: 1000000000\r\n\r\n`)
    pour()
  })
  await honestWhile(isOver)
  assert.ok(sent < 64 * megabyte, `${sent} bytes`)
  assert.ok(process.memoryUsage().rss - rssBefore < 200 * megabyte)
})

test('connections that are opened and reset at once, with and without a hello, leave nothing', { timeout: 60_000 }, async () => {
  const rssBefore = process.memoryUsage().rss
  const one = (at: number): Promise<void> => new Promise((resolve) => {
    const socket = connectPlain({ host: '127.0.0.1', port: api.port, localAddress: `127.15.${at >> 8}.${(at & 255) || 1}` })
    socket.on('error', () => undefined).on('close', () => resolve())
    socket.on('connect', () => {
      if (at % 2 === 0) socket.write('\x16\x03\x01\x02\0')
      setImmediate(() => socket.resetAndDestroy())
    })
  })
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 200 }, (_, at) => one(round * 200 + at)))
  assert.equal((await honest()).status, 200)
  assert.ok(process.memoryUsage().rss - rssBefore < 200 * megabyte)
})

function protocolOf(ALPNProtocols: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: api.port, ca: api.ca, servername: 'localhost', ALPNProtocols: [...ALPNProtocols] })
    socket.once('secureConnect', () => {
      resolve(String(socket.alpnProtocol))
      socket.destroy()
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })
}

test('HTTP/2 is not offered, so that its floods have no door', async () => {
  assert.equal(await protocolOf(['h2', 'http/1.1']), 'http/1.1')
  assert.match(await protocolOf(['h2']), /NO_APPLICATION_PROTOCOL/)
})
