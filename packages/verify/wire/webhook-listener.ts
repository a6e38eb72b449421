import { createServer } from 'node:http'
import { NotReached } from '../probe.ts'

/** An address of this machine that the operator allows webhooks to. */
export type WebhookAddress = { readonly host: string; readonly port: number }

/** A webhook as it came over the wire. */
export type CameWebhook = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }

export type WebhookListener = {
  readonly url: string
  /** Waits for the next that `isWanted`. @returns `undefined` where none came in time */
  readonly next: (isWanted: (webhook: CameWebhook) => boolean, withinMs: number) => Promise<CameWebhook | undefined>
}

const bodyBytesMax = 262_144
const keptMax = 100

/** Probes run side by side and the operator allows one address: they have it in turns. */
let lastTurn: Promise<unknown> = Promise.resolve()

/**
 * Listens there for the time of the work, and takes every webhook. Plain HTTP: what is seen here is what anybody between would see.
 * @throws NotReached where somebody else listens there
 */
export function withWebhookListener<T>(address: WebhookAddress, work: (listener: WebhookListener) => Promise<T>): Promise<T> {
  const turn = lastTurn.then(() => listenDuring(address, work))
  lastTurn = turn.catch(() => undefined)
  return turn
}

async function listenDuring<T>({ host, port }: WebhookAddress, work: (listener: WebhookListener) => Promise<T>): Promise<T> {
  const came: CameWebhook[] = []
  const tellers = new Set<() => void>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) chunks.push(chunk)
      else request.destroy()
    })
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).flatMap(([name, value]) => typeof value === 'string' ? [[name, value]] : []))
      if (came.length < keptMax) came.push({ headers, body: Buffer.concat(chunks) })
      response.writeHead(204).end()
      for (const tell of tellers) tell()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new NotReached(`${host}:${port} is not ours to listen on (${error.code ?? error.message})`)))
    server.listen(port, host, resolve)
  })
  try {
    const next: WebhookListener['next'] = (isWanted, withinMs) => new Promise((resolve) => {
      const look = (isOver: boolean): void => {
        const found = came.find(isWanted)
        if (found === undefined && !isOver) return
        tellers.delete(tell)
        clearTimeout(timer)
        resolve(found)
      }
      const tell = (): void => look(false)
      const timer = setTimeout(() => look(true), withinMs)
      tellers.add(tell)
      tell()
    })
    const address = server.address()
    const bound = typeof address === 'object' ? address?.port ?? port : port
    return await work({ url: `http://${host}:${bound}/ngome-verify`, next })
  } finally {
    const closed = new Promise((resolve) => server.once('close', resolve))
    server.close()
    server.closeAllConnections()
    await closed
  }
}
