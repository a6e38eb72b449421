import { connect } from 'node:tls'

export type RawAnswer = {
  readonly status: number
  readonly head: string
  readonly headers: ReadonlyMap<string, string>
  /** Of the first answer, with whatever came behind it. */
  readonly body: string
  readonly isClosed: boolean
}

export type RawOptions = {
  /** Whether to wait until the other side ends the connection. */
  readonly untilClosed?: boolean
  /** How many answers to wait for. */
  readonly answers?: number
}

/** A connection that is silent for this long has nothing more to say, also on a busy machine. */
const silenceMs = 10_000

/** Sends these exact bytes over TLS and reads what comes back. */
export function rawRequest(
  at: { readonly port: number; readonly ca: string }, bytes: string | Uint8Array, options: RawOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: at.port, ca: at.ca, servername: 'localhost', minVersion: 'TLSv1.3' })
    let received = ''
    const done = (isClosed: boolean): void => {
      socket.destroy()
      resolve(parse(received, isClosed))
    }
    socket.setTimeout(silenceMs, () => done(false))
    socket.on('secureConnect', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (options.untilClosed !== true && countAnswers(received) >= (options.answers ?? 1)) done(false)
    })
    socket.on('close', () => done(true))
    socket.on('error', (error) => (received === '' ? reject(error) : done(true)))
  })
}

/** How many whole answers there are, by their lengths; an interim one (1xx) is none. */
function countAnswers(text: string): number {
  let count = 0
  let at = 0
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', at)
    if (headEnd < 0) return count
    const head = text.slice(at, headEnd)
    at = headEnd + 4
    if (head.startsWith('HTTP/1.1 1')) continue
    at += Number(/\r\ncontent-length: ([0-9]+)/i.exec(head)?.[1] ?? 0)
    if (at > text.length) return count
    count++
  }
}

function parse(text: string, isClosed: boolean): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  const headers = new Map(lines.map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const
  }))
  return { status: Number(status.split(' ')[1] ?? 0), head, headers, body: rest.join('\r\n\r\n'), isClosed }
}
