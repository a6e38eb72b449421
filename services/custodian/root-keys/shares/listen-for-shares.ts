import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { ceremonyLineBytesMax, ceremonyRequest, type CeremonyAnswer, type CeremonyRequest } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { newBoxKey, openBox, sealInBox, type BoxKey } from '@ngome/runtime'
import { shareLifeMs, type Ceremony } from './ceremony.ts'

/** A few holders at a few terminals, and a look by `ngome status`. */
const connectionsMax = 8
/** A share is typed before its connection is made: nobody needs longer, but for who hands a set out. */
const connectionMs = 10_000
const closeMs = 1_000

/**
 * Listens at a Unix socket of mode 0600 in the custodian's folder of mode 0700: before its root key is there the custodian
 * has no identity to speak TLS with, and the kernel lets only its own user and root through.
 * @returns ends it
 * @throws Fault `custodian/start_refused` where something else is in its place, or its path is too long
 */
export async function listenForShares(path: string, ceremony: Ceremony, onFailure: (failure: unknown) => void): Promise<() => Promise<void>> {
  removeStale(path)
  const sockets = new Set<Socket>()
  const working = new Set<Promise<void>>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      ceremony.leave(socket)
    })
    // Whoever goes away in the middle has gone; `close` follows.
    socket.on('error', () => undefined)
    converse(socket, ceremony, { onFailure, working })
  })
  server.maxConnections = connectionsMax
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Fault('custodian/start_refused', `cannot listen at ${path}`, { cause })))
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return async () => {
    // The last answer is on its way; who does not take it is cut off.
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy()
    }, closeMs)
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.all(working)
    for (const socket of sockets) socket.end()
    await closed
    clearTimeout(timer)
  }
}

type Surroundings = {
  readonly onFailure: (failure: unknown) => void
  /** The answers that are being worked out. */
  readonly working: Set<Promise<void>>
}

/** What a custodian that was killed left behind. */
function removeStale(path: string): void {
  if (!existsSync(path)) return
  if (!lstatSync(path).isSocket()) throw new Fault('custodian/start_refused', `${path} is not a socket: somebody put it there`)
  rmSync(path)
}

function converse(socket: Socket, ceremony: Ceremony, { onFailure, working }: Surroundings): void {
  const key = newBoxKey()
  const say = (said: CeremonyAnswer): void => void socket.write(`${JSON.stringify(said)}\n`)
  const timer = setTimeout(() => socket.destroy(), connectionMs)
  socket.on('close', () => clearTimeout(timer))
  let to: string | undefined
  const handle = async (request: CeremonyRequest): Promise<CeremonyAnswer> => {
    if (request.type === 'share') return enter(ceremony, key, request.sealed)
    if (request.type === 'make') {
      const refused = request.threshold > request.shares ? notUnderstood : await ceremony.make(socket, request)
      if (refused !== undefined) return refused
      to = request.to
      clearTimeout(timer)
      // A step of a set that is handed out takes as long as a share may lie about, and no longer.
      socket.setTimeout(shareLifeMs, () => socket.destroy())
    }
    return handOut(ceremony, socket, to)
  }
  say({ type: 'state', ...ceremony.state, key: key.publicText })
  const answer = async (line: Uint8Array): Promise<void> => {
    try {
      const request = parseRequest(line)
      say(request === undefined ? notUnderstood : await handle(request))
      if (request === undefined) socket.end()
    } catch (failure) {
      onFailure(failure)
      say({ type: 'refused', reason: 'failed' })
      socket.end()
    }
  }
  eachLine(socket, (line) => {
    const work = answer(line).finally(() => working.delete(work))
    working.add(work)
    return work
  })
}

const notUnderstood = { type: 'refused', reason: 'not_understood' } as const

async function enter(ceremony: Ceremony, key: BoxKey, sealed: string): Promise<CeremonyAnswer> {
  const text = openBox(key, sealed)
  if (text === undefined) return notUnderstood
  const entered = await ceremony.enter(text)
  return entered.type === 'accepted' ? { ...entered, ...ceremony.state } : entered
}

function handOut(ceremony: Ceremony, socket: Socket, to: string | undefined): CeremonyAnswer {
  const next = to === undefined ? undefined : ceremony.next(socket)
  if (next === undefined || to === undefined) return notUnderstood
  if ('kept' in next) return { type: 'made', set: next.kept }
  return { type: 'share', number: next.number, of: next.of, sealed: sealInBox(to, next.text) }
}

/** One line after the other: the next is not read before the last is answered. A line without end ends the connection. */
function eachLine(socket: Socket, handle: (line: Uint8Array) => Promise<void>): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    socket.pause()
    void drain().then(() => socket.resume())
  })
  const drain = async (): Promise<void> => {
    for (let end = rest.indexOf(0x0a); end >= 0 && end < ceremonyLineBytesMax; end = rest.indexOf(0x0a)) {
      const line = rest.subarray(0, end)
      rest = rest.subarray(end + 1)
      await handle(line)
    }
    if (rest.length >= ceremonyLineBytesMax) socket.destroy()
  }
}

function parseRequest(line: Uint8Array): CeremonyRequest | undefined {
  try {
    return ceremonyRequest.safeParse(JSON.parse(Buffer.from(line).toString('utf8'))).data
  } catch {
    return undefined
  }
}
