import type { FastifyInstance } from 'fastify'
import type { Journal } from './journal.ts'

/**
 * Listens, and gives the port that it got; `stop` lets running requests end and cuts those that hang.
 * @param stopping aborted first, so that nothing scheduled holds the program
 */
export async function listen(
  server: FastifyInstance, at: { readonly host: string; readonly port: number }, stopping: AbortController, journal: Journal,
): Promise<{ port: number; stop: () => Promise<void> }> {
  await server.listen({ host: at.host, port: at.port })
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server without a port')
  return {
    port: address.port,
    stop: async () => {
      stopping.abort()
      await server.close()
      await journal.close()
    },
  }
}
