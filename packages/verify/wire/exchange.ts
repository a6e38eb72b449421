import { connect, type Socket } from 'node:net'
import { addressOf, type Endpoint, handshake, isAway } from '@ngome/runtime'
import { NotReached } from '../probe.ts'

/** What came back until the other side closed, or fell silent. */
export type Exchange = { readonly bytes: Buffer; readonly isClosed: boolean }

const answerBytesMax = 262_144
/** How long the other side may stay silent before we take what came for all. */
const silenceMs = 2_000
/** The same after the first byte: a second answer, which would be an attack's success, follows the first at once. */
const silenceAfterAnswerMs = 300

/** Sends bytes over plain TCP. @throws NotReached where nobody listens */
export async function exchangePlain(endpoint: Endpoint, bytes: Uint8Array): Promise<Exchange> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ host: endpoint.host, port: endpoint.port })
    opening.once('connect', () => resolve(opening))
    opening.once('error', (error: NodeJS.ErrnoException) => {
      reject(isAway(error.code ?? '') ? new NotReached(`${addressOf(endpoint)} is not reached (${error.code})`) : error)
    })
  })
  return exchange(socket, bytes)
}

/** Sends bytes as they are over TLS 1.3, past every HTTP client's manners. @throws NotReached where TLS fails */
export async function exchangeTls(endpoint: Endpoint, authority: string, bytes: Uint8Array): Promise<Exchange> {
  const opened = await handshake(endpoint, { ca: authority, minVersion: 'TLSv1.3' })
  if (opened.kind === 'refused') throw new NotReached(`${addressOf(endpoint)} refused TLS (${opened.code})`)
  return exchange(opened.socket, bytes)
}

/** @returns the status of an HTTP/1.1 answer, or `undefined` where what came is none. */
export function statusOf({ bytes }: Exchange): number | undefined {
  const match = /^HTTP\/1\.1 ([0-9]{3}) /.exec(bytes.subarray(0, 64).toString('latin1'))
  return match === null ? undefined : Number(match[1])
}

/** @returns the value of a header in the first answer. */
export function headerOf({ bytes }: Exchange, name: string): string | undefined {
  const head = bytes.toString('latin1').split('\r\n\r\n')[0] ?? ''
  const line = head.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line?.slice(name.length + 1).trim()
}

function exchange(socket: Socket, bytes: Uint8Array): Promise<Exchange> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const end = (isClosed: boolean): void => {
      socket.destroy()
      resolve({ bytes: received, isClosed })
    }
    socket.setTimeout(silenceMs, () => end(false))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      socket.setTimeout(silenceAfterAnswerMs)
      if (received.length > answerBytesMax) end(false)
    })
    socket.once('error', () => end(true))
    socket.once('close', () => end(true))
    socket.write(bytes)
  })
}
