import { connect, createServer, type AddressInfo } from 'node:net'
import { NotReached } from '../probe.ts'

/** A listener of ours on loopback, which nobody has a reason to connect to. */
export type OwnListener = {
  readonly port: number
  /** How many connections it took since it opened. */
  readonly taken: () => number
}

const reachMsMax = 2_000

/** Opens a listener for the time of the work. @throws NotReached where not even we can reach it */
export async function withOwnListener<T>(work: (listener: OwnListener) => Promise<T>): Promise<T> {
  let taken = 0
  const server = createServer((socket) => {
    taken += 1
    socket.on('error', () => undefined)
    socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  try {
    const { port } = server.address() as AddressInfo
    // A listener that nobody can reach would be refused to everybody, and prove nothing.
    await assertReached(port)
    while (taken === 0) await new Promise((resolve) => setImmediate(resolve))
    return await work({ port, taken: () => taken - 1 })
  } finally {
    server.close()
  }
}

function assertReached(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: reachMsMax })
    const end = (problem?: string): void => {
      socket.destroy()
      if (problem === undefined) resolve()
      else reject(new NotReached(`our own listener is not reached (${problem})`))
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
