import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

// Below the range from which kernels give ports to outgoing connections (Linux: 32768 on): a port of that range that is
// free now may be somebody's connection when its server comes to listen.
const portMin = 10_240
const portMax = 32_767
const triesMax = 200

/** Finds ports on 127.0.0.1 that nobody listens on, all different because all are held until the last is found. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = []
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries >= triesMax) throw new Error('no free ports were found')
    const port = randomInt(portMin, portMax + 1)
    const server = await hold(port)
    if (server === undefined) continue
    held.push(server)
    ports.push(port)
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** @returns a server on the port, or `undefined` where somebody has it */
function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
