import { connect } from 'node:tls'

export type RawAnswer = { readonly status: number; readonly head: string; readonly headers: ReadonlyMap<string, string>; readonly body: string; readonly isClosed: boolean }

/** Sends these exact bytes over TLS and reads until the connection ends or is quiet. */
export function rawRequest(
  at: { readonly port: number; readonly ca: string }, bytes: string | Uint8Array, quietMs = 150,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: at.port, ca: at.ca, servername: 'localhost', minVersion: 'TLSv1.3' })
    const chunks: Buffer[] = []
    let timer: NodeJS.Timeout
    const done = (isClosed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(parse(Buffer.concat(chunks).toString('latin1'), isClosed))
    }
    const wait = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => done(false), quietMs)
    }
    socket.on('secureConnect', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      wait()
    })
    socket.on('close', () => done(true))
    socket.on('error', (error) => (chunks.length > 0 ? done(true) : reject(error)))
    wait()
  })
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
