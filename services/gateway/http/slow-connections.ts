import { dataRateMin, slowGraceMs, slowReadMs } from './limits.ts'

/** What a connection was slow with. */
export const slowKinds = ['head', 'body', 'answer'] as const
export type SlowKind = (typeof slowKinds)[number]

/**
 * Of one connection: how many requests it has had, how many have no answer yet and which of them are not looked at before the
 * one that is under way was answered, how many answers in a row said when to come again, and the last, until it was read whole.
 */
export type Requests = {
  served: number
  open: number
  readonly waiting: (() => void)[]
  unheeded: number
  last: ReceivedRequest | undefined
  /** Bytes of the connection when that request's head had come. */
  bytesAtHead: number
}
/** What a look at a request needs of it. */
export type ReceivedRequest = {
  readonly complete: boolean
  readonly startedAtMs: number
  /** Whether somebody reads its body; while nobody does, it is not the sender who is slow. */
  readonly readableFlowing: boolean | null
}
/** What a look at a connection needs of it. */
export type WatchedSocket = {
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly writableLength: number
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

/** Of a connection whose handshake is over. */
export function noRequests(): Requests {
  return { served: 0, open: 0, waiting: [], unheeded: 0, last: undefined, bytesAtHead: 0 }
}

type Watched = {
  readonly requests: Requests
  /** Bytes that had come when the connection was last seen between two requests, and when that was. */
  idleBytes: number
  idleAtMs: number
  /** Bytes of answers that the client had taken, and since when no more. */
  takenBytes: number
  stuckSinceMs: number
}

/**
 * Ends connections whose client sends or takes too slowly. Node's own timeouts bound a head and a body as a whole; whoever
 * keeps below them holds a connection for seconds with a byte each. One look at all connections a second costs a request
 * nothing.
 */
export class SlowConnections<S extends WatchedSocket> {
  readonly #connections = new Map<S, Watched>()
  readonly #monotonicMs: () => number
  readonly #onCut: (kind: SlowKind, socket: S) => void

  constructor(monotonicMs: () => number, onCut: (kind: SlowKind, socket: S) => void) {
    this.#monotonicMs = monotonicMs
    this.#onCut = onCut
  }

  get size(): number {
    return this.#connections.size
  }

  /** Watches a connection from the end of its handshake until it closes. */
  watch(socket: S, requests: Requests): void {
    const nowMs = this.#monotonicMs()
    this.#connections.set(socket, { requests, idleBytes: socket.bytesRead, idleAtMs: nowMs, takenBytes: -1, stuckSinceMs: nowMs })
    socket.once('close', () => this.#connections.delete(socket))
  }

  /** Looks at every connection once. */
  sweep(): void {
    const nowMs = this.#monotonicMs()
    for (const [socket, watched] of this.#connections) {
      const kind = slowAt(socket, watched, nowMs)
      if (kind === undefined) continue
      this.#connections.delete(socket)
      socket.destroy()
      this.#onCut(kind, socket)
    }
  }
}

function slowAt(socket: WatchedSocket, watched: Watched, nowMs: number): SlowKind | undefined {
  if (isStuck(socket, watched, nowMs)) return 'answer'
  const { requests: { last, bytesAtHead } } = watched
  if (last === undefined) return isSlowHead(socket, watched, nowMs) ? 'head' : undefined
  // What comes after its end belongs to the next request, and counts from the next look on.
  watched.idleBytes = socket.bytesRead
  watched.idleAtMs = nowMs
  if (last.complete) {
    watched.requests.last = undefined
    return undefined
  }
  return last.readableFlowing === true && isSlow(socket.bytesRead - bytesAtHead, nowMs - last.startedAtMs) ? 'body' : undefined
}

/** Bytes that came since the last request, and are none yet, are the beginning of the next. */
function isSlowHead({ bytesRead }: WatchedSocket, watched: Watched, nowMs: number): boolean {
  if (bytesRead > watched.idleBytes) return isSlow(bytesRead - watched.idleBytes, nowMs - watched.idleAtMs)
  watched.idleAtMs = nowMs
  return false
}

/** What was written is in the socket's own buffer until the kernel has taken it. */
function isStuck({ bytesWritten, writableLength }: WatchedSocket, watched: Watched, nowMs: number): boolean {
  const takenBytes = bytesWritten - writableLength
  if (writableLength === 0 || takenBytes !== watched.takenBytes) {
    watched.takenBytes = takenBytes
    watched.stuckSinceMs = nowMs
  }
  return nowMs - watched.stuckSinceMs >= slowReadMs
}

function isSlow(bytes: number, ms: number): boolean {
  return ms >= slowGraceMs && bytes * 1_000 < dataRateMin * ms
}
