import { queueNames, type QueueName } from '@ngome/contracts'
import pg from 'pg'
import { clientConfig, type Connection } from '../database.ts'
import { jobChannel } from './wake.ts'

const reconnectMs = 1_000

/**
 * Listens for wakes on a connection of its own, and connects again when it breaks.
 * @param onWake also called for every queue after each (re)connection, since wakes may have been missed
 */
export function listenForWakes(connection: Connection, onWake: (queue: QueueName) => void): { close(): Promise<void> } {
  let isClosed = false
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    const application = { keepAlive: true, application_name: `${connection.user} wakes` }
    const next = new pg.Client({ ...clientConfig(connection), ...application })
    client = next
    next.on('error', () => undefined)
    next.on('end', () => {
      if (!isClosed) timer = setTimeout(() => void connect(), reconnectMs)
    })
    next.on('notification', ({ payload }) => {
      const queue = queueNames.find((name) => name === payload)
      if (queue !== undefined) onWake(queue)
    })
    try {
      await next.connect()
      await next.query(`LISTEN ${jobChannel}`)
      for (const queue of queueNames) onWake(queue)
    } catch {
      // `end` follows a connection that broke, and asks again.
      await next.end().catch(() => undefined)
    }
  }

  void connect()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined)
    },
  }
}
