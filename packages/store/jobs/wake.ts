import type { QueueName } from '@ngome/contracts'
import type pg from 'pg'

/** The channel on which workers listen; its payload is the name of a queue. */
export const jobChannel = 'ngome_jobs'

/**
 * How long wakes of one queue are gathered before one is sent. A NOTIFY inside the accepting transaction would do
 * without it, but all committing transactions that notify take turns on one lock of the whole server.
 */
const gatherMs = 10

export type JobWaker = { wake(queue: QueueName): void; close(): Promise<void> }

/** Sends wakes in the background. A lost wake costs the poll interval of the worker, nothing else. */
export function jobWaker(pool: pg.Pool): JobWaker {
  const due = new Set<QueueName>()
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<unknown> = Promise.resolve()

  const send = (): void => {
    timer = undefined
    const queues = [...due]
    due.clear()
    sending = pool.query({
      name: 'wake',
      text: 'SELECT pg_notify($1, name) FROM unnest($2::text[]) AS name',
      values: [jobChannel, queues],
    }).catch(() => undefined)
  }

  return {
    wake(queue) {
      due.add(queue)
      timer ??= setTimeout(send, gatherMs)
    },
    async close() {
      if (timer !== undefined) {
        clearTimeout(timer)
        send()
      }
      await sending
    },
  }
}
