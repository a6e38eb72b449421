import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { newApiKey } from '@ngome/access'
import { systemClock, systemRandom } from '@ngome/kernel'
import { connectFrom } from '../../services/gateway/testing/connect-from.ts'

/** Where it goes, with which key of the attacker's own, from which networks of loopback, and until when. */
export type Target = {
  readonly port: number
  readonly ca: string
  readonly key: string
  /** The second and third number of the attacker's addresses: no attack answers for the one before it. */
  readonly network: string
  readonly isOver: () => boolean
}
/** What came of it so far. */
export type Harvest = { connections: number; readonly answers: Record<string, number>; bytesSent: number }
export type Unit = 'turn' | 'connection' | 'answer' | 'megabyte'
type Run = (target: Target, harvest: Harvest) => Promise<void>
/** What is done, and what one of it is, by which its cost is told. */
type Attack = { readonly unit: Unit; readonly run: Run }

const addressesMax = 4
const reopenMs = 20
const dripMs = 500
const jsonHead = (key: string, bytes: number): string =>
  `POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nIdempotency-Key: i\r\nContent-Length: ${bytes}\r\n\r\n`
const list = (key: string): string => `GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n\r\n`
/** Deeper than any reader goes, in what a body may have and in more than that. */
const deep = [8_000, 100_000].map((depth) => '['.repeat(depth) + ']'.repeat(depth))
const chunk = Buffer.alloc(65_536, 32)
/** Five times what one key may read: 500 tokens a second, three for a list (`limits` of the configuration, `api/operations.ts`). */
const listsPerS = 5 * 500 / 3
const listers = 64

/** What somebody does to a gateway; the first is nobody, who takes as much of the machine as an attacker and sends nothing. */
export const attacks: Readonly<Record<string, Attack>> = {
  'a neighbour that only computes': { unit: 'turn', run: computeOnly },
  'slow heads': { unit: 'connection', run: keeping(512, (socket) => {
    socket.write('GET /v1/payments HTTP/1.1\r\nHost: localhost\r\nAccept: ')
    drip(socket)
  }) },
  'slow bodies': { unit: 'connection', run: keeping(512, (socket, { key }) => {
    socket.write(jsonHead(key, 9_000))
    drip(socket)
  }) },
  'slow readers': { unit: 'connection', run: keeping(64, (socket) => socket.pause().write('GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(16))) },
  'slowhttptest, slow heads': { unit: 'connection', run: slowhttptest('-H') },
  'slowhttptest, slow bodies': { unit: 'connection', run: slowhttptest('-B') },
  'slowhttptest, slow reading': { unit: 'connection', run: slowhttptest('-X') },
  'connections': { unit: 'connection', run: connectionFlood },
  'handshakes': { unit: 'connection', run: keeping(64, (socket) => socket.destroy()) },
  'half of a handshake': { unit: 'connection', run: halfHandshakes },
  'wrong keys': { unit: 'answer', run: keeping(64, (socket) => asking(socket, () => list(newApiKey({ world: 'test', clock: systemClock, random: systemRandom }).text.expose((text) => text)))) },
  'pipelined requests': { unit: 'answer', run: keeping(32, (socket, { key }) => asking(socket, () => list(key).repeat(32), 32)) },
  'deep JSON': { unit: 'answer', run: keeping(32, (socket, { key }) => {
    let turn = 0
    asking(socket, () => {
      const body = deep[turn++ % deep.length] ?? ''
      return jsonHead(key, body.length) + body
    })
  }) },
  'large bodies': { unit: 'megabyte', run: keeping(32, (socket, { key }, harvest) => {
    socket.write(jsonHead(key, 100_000_000))
    const pour = (): void => {
      let isTaken = true
      while (!socket.destroyed && isTaken) {
        isTaken = socket.write(chunk)
        harvest.bytesSent += chunk.length
      }
    }
    socket.on('drain', pour)
    pour()
  }) },
  'five times a key\u2019s limit': { unit: 'answer', run: keeping(listers, (socket, { key }) => asking(socket, () => list(key), 1, listers * 1_000 / listsPerS)) },
  'a key at its limit, as fast as can be': { unit: 'answer', run: keeping(listers, (socket, { key }) => asking(socket, () => list(key))) },
}

async function computeOnly({ isOver }: Target): Promise<void> {
  while (!isOver()) {
    const untilMs = performance.now() + 50
    while (performance.now() < untilMs);
    await sleep(0)
  }
}

/** Holds so many connections, from a few addresses, and opens another for each that ends. */
function keeping(count: number, begin: (socket: TLSSocket, target: Target, harvest: Harvest) => void): Run {
  return async (target, harvest) => {
    await Promise.all(Array.from({ length: count }, async (_, at) => {
      while (!target.isOver()) {
        const socket = connectFrom(target, `127.${target.network}.${at % addressesMax + 1}`)
        harvest.connections++
        socket.once('secureConnect', () => begin(socket, target, harvest)).on('data', (bytes: Buffer) => note(bytes, harvest))
        await ended(socket, target)
        await sleep(reopenMs)
      }
    }))
  }
}

function note(bytes: Buffer, { answers }: Harvest): void {
  for (const [, status = ''] of bytes.toString('latin1').matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)) answers[status] = (answers[status] ?? 0) + 1
}

async function ended(socket: { readonly destroyed: boolean; destroy(): unknown }, { isOver }: Target): Promise<void> {
  while (!socket.destroyed && !isOver()) await sleep(reopenMs)
  socket.destroy()
}

function drip(socket: TLSSocket): void {
  const timer = setInterval(() => socket.write('a'), dripMs)
  socket.once('close', () => clearInterval(timer))
}

/** Asks again when it has its answers; with a pace, no sooner than that. */
function asking(socket: TLSSocket, next: () => string, answersEach = 1, paceMs = 0): void {
  let open = 0
  let sentAtMs = 0
  const send = (): void => {
    if (socket.destroyed) return
    open = answersEach
    sentAtMs = performance.now()
    socket.write(next())
  }
  socket.on('data', (bytes: Buffer) => {
    open -= bytes.toString('latin1').split('HTTP/1.1 ').length - 1
    if (open > 0) return
    const restMs = paceMs - (performance.now() - sentAtMs)
    if (restMs > 0) setTimeout(send, restMs)
    else send()
  })
  send()
}

/** Connections without a byte, and others for them a moment later. */
async function connectionFlood(target: Target, harvest: Harvest): Promise<void> {
  await Promise.all(Array.from({ length: 1_000 }, async (_, at) => {
    while (!target.isOver()) {
      const socket = plainFrom(target, at)
      harvest.connections++
      await sleep(100)
      socket.destroy()
    }
  }))
}

/** The first bytes of a hello, and nothing behind them. */
async function halfHandshakes(target: Target, harvest: Harvest): Promise<void> {
  await Promise.all(Array.from({ length: 1_000 }, async (_, at) => {
    while (!target.isOver()) {
      const socket = plainFrom(target, at)
      socket.write('\x16\x03\x01\x02\0\x01')
      harvest.connections++
      await ended(socket, target)
      await sleep(reopenMs)
    }
  }))
}

function plainFrom({ port, network }: Target, at: number): Socket {
  return connect({ host: '127.0.0.1', port, localAddress: `127.${network}.${at % addressesMax + 1}` }).on('error', () => undefined)
}

/** The program of that name, as its manual has it, with more connections than one address may have. It comes from 127.0.0.1. */
function slowhttptest(mode: '-H' | '-B' | '-X'): Run {
  return async ({ port, isOver }, harvest) => {
    const child = spawn('slowhttptest', [mode, '-c', '400', '-r', '200', '-i', '1', '-l', '60', '-u', `https://127.0.0.1:${port}/v1/openapi.json`, '-p', '3'], { stdio: 'ignore' })
    const gone = new Promise((resolve) => child.once('close', resolve))
    harvest.connections += 400
    while (!isOver()) await sleep(reopenMs)
    child.kill('SIGKILL')
    await gone
  }
}
