import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import { listEvents, type EventCursor, type EventPage } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'

const pageSize = 500
/** How often the follower looks: a person does not notice, and the database does not either. */
const lookMs = 250

export const events: Command = {
  name: 'events',
  summary: 'Print the platform\'s events, the oldest first.',
  operands: [],
  options: {
    follow: { type: 'boolean', about: 'go on with what happens, until Ctrl-C' },
    after: { type: 'string', value: 'EVENT', about: 'begin behind this event\'s id' },
  },
  endsItself: true,
  run: (context, { options, isJson }) => withDatabase(context, async (db) => {
    let cursor: EventCursor | null = null
    let isSkipping = options['after'] !== undefined
    while (!context.interrupted.aborted) {
      const page: EventPage | undefined = await listEvents(db, { after: cursor, limit: pageSize }).catch(awayWhile(options['follow'] === true))
      for (const event of page?.events ?? []) {
        if (!isSkipping) context.out(isJson ? JSON.stringify(event) : eventLine(event))
        if (event.id === options['after']) isSkipping = false
      }
      cursor = page?.cursor ?? cursor
      if (page?.events.length === pageSize) continue
      if (options['follow'] !== true) break
      await sleep(lookMs, undefined, { signal: context.interrupted }).catch(() => undefined)
    }
    return exitCodes.done
  }),
}

/** A follower outlives a restart of the database; who asked once is told. */
function awayWhile(isFollowing: boolean): (error: unknown) => undefined {
  return (error) => {
    if (isFollowing && error instanceof Fault && error.code === 'store/unavailable') return undefined
    throw error
  }
}

/** One event on one line. */
export function eventLine({ at, severity, process, type, merchant, data }: Event): string {
  const details = Object.entries(data).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return plainLine([at, severity.padEnd(7), process.padEnd(10), type, merchant ?? '-', ...details].join('  '))
}
