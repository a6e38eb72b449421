import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { addressOf, handshake, type Endpoint } from '@ngome/runtime'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'
import { exchangeTls, statusOf } from '../wire/exchange.ts'

type Target = {
  readonly gateway: Endpoint
  readonly authority: string
  /** Shorter than on a platform, for a test whose server is. */
  readonly slowEndMsMax?: number
}

/** Few enough that nobody else is hurt, and the platform's own machine not banned where it is not vouched for. */
const slowCount = 6
/** From the first byte to the end of the connection; the gateway's grace is 5 s, and it looks each second. */
const slowEndMsMax = 9_000
/** What an honest request may take while slow ones are held: a second is far above what it takes on any machine. */
const honestMsMax = 1_000
/** From where many connections come: an address of loopback that nobody uses, so that nobody is refused in our place. */
const greedyAddress = '127.0.20.20'
/** More than the gateway lets one address have (256). */
const connectionsTried = 300
/**
 * The kernel takes connections that the gateway has not seen yet: a busy one refuses when it gets to them. Shorter than its
 * grace of 5 s, after which silent ones end whoever's they are.
 */
const refusedMsMax = 3_000
const dripMs = 500
const host = 'host: localhost'

/** What is sent slowly: the beginning of a head, and a body of which a byte comes at a time. */
const beginnings: readonly (readonly [what: string, bytes: string])[] = [
  ['a head', `GET /v1/payments HTTP/1.1\r\n${host}\r\naccept: `],
  ['nothing after a head\'s first byte', 'G'],
]

async function open({ gateway, authority }: Target): Promise<TLSSocket | undefined> {
  const opened = await handshake(gateway, { ca: authority, minVersion: 'TLSv1.3' })
  return opened.kind === 'connected' ? opened.socket : undefined
}

/** @returns after how many milliseconds the other side ended it, `undefined` where it did not in time */
function untilEnded(socket: TLSSocket, bytes: string, endMsMax: number): Promise<number | undefined> {
  const beganAtMs = performance.now()
  return new Promise((resolve) => {
    const drip = setInterval(() => socket.write('a'), dripMs)
    const end = (ms: number | undefined): void => {
      clearInterval(drip)
      clearTimeout(limit)
      socket.destroy()
      resolve(ms)
    }
    const limit = setTimeout(() => end(undefined), endMsMax)
    socket.resume().once('close', () => end(performance.now() - beganAtMs))
    socket.write(bytes)
  })
}

async function slowOnes(target: Target, endMsMax: number): Promise<Verdict> {
  const opened = await Promise.all(Array.from({ length: slowCount }, () => open(target)))
  const sockets = opened.filter((socket) => socket !== undefined)
  if (sockets.length < slowCount) throw new NotReached(`${addressOf(target.gateway)} refused TLS`)
  const endings = Promise.all(sockets.map((socket, at) => {
    const [what, bytes] = beginnings[at % beginnings.length] ?? ['', '']
    return untilEnded(socket, bytes, endMsMax).then((ms) => ({ what, ms }))
  }))
  await sleep(dripMs)
  const honest = await honestMs(target)
  const held = (await endings).find(({ ms }) => ms === undefined)
  if (honest === undefined || honest > honestMsMax) return fails(`an honest request took ${honest === undefined ? 'for ever' : `${Math.round(honest)} ms`} beside ${slowCount} slow ones`)
  if (held !== undefined) return fails(`whoever sends ${held.what} byte by byte holds his connection for more than ${endMsMax} ms`)
  return holds(`${slowCount} slow connections were ended, an honest request took ${Math.round(honest)} ms beside them`)
}

async function honestMs({ gateway, authority }: Target): Promise<number | undefined> {
  const beganAtMs = performance.now()
  const answer = await exchangeTls(gateway, authority, Buffer.from(`GET /v1/openapi.json HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`))
  return statusOf(answer) === 200 ? performance.now() - beganAtMs : undefined
}

async function greedyOnes(target: Target): Promise<Verdict> {
  const head = Buffer.from(`GET /v1/openapi.json HTTP/1.1\r\n${host}\r\naccept: ${'a'.repeat(9_000)}\r\n\r\n`)
  const large = await exchangeTls(target.gateway, target.authority, head)
  const status = statusOf(large)
  if (status === 200 || (status === undefined && !large.isClosed)) return fails('a head of 9 kB was taken')
  if (!target.gateway.host.startsWith('127.')) return partial('a head of 9 kB was refused; many connections are not tried from the address that others share')
  const sockets = Array.from({ length: connectionsTried }, () => connect({ host: target.gateway.host, port: target.gateway.port, localAddress: greedyAddress }))
  const opened = await Promise.all(sockets.map(isOpened))
  const held = (): number => sockets.filter((socket) => !socket.destroyed && !socket.closed).length
  for (const from = performance.now(); held() >= connectionsTried && performance.now() - from < refusedMsMax;) await sleep(dripMs / 5)
  await sleep(dripMs)
  const taken = held()
  for (const socket of sockets) socket.destroy()
  if (!opened.includes(true)) return partial(`a head of 9 kB was refused; this machine has no address ${greedyAddress} to try many connections from`)
  if (taken >= connectionsTried) return fails(`one address opened ${taken} connections at once`)
  return holds(`a head of 9 kB was refused, and of ${connectionsTried} connections at once ${taken} were taken`)
}

function isOpened(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.resume().once('connect', () => resolve(true)).once('error', () => resolve(false))
    // Whoever is refused later than at once is told by a reset.
    socket.on('error', () => undefined)
  })
}

export const slowAndGreedyClientsAreCut: Probe<Target> = {
  id: 'slow-and-greedy-clients-are-cut',
  source: import.meta.filename,
  does: 'Opens a few connections that send a byte every half second: each must be ended within 9 s, while an honest request beside them is answered within one. Sends a head of 9 kB, and opens 300 connections at once: the head and some of those must be refused.',
  timeMsMax: 60_000,
  run: async (target) => {
    const slow = await slowOnes(target, target.slowEndMsMax ?? slowEndMsMax)
    if (slow.status !== 'holds') return slow
    const greedy = await greedyOnes(target)
    return greedy.status === 'fails' ? greedy : { status: greedy.status, evidence: `${slow.evidence}; ${greedy.evidence}` }
  },
}
