import { objectEventPageSchema, type ObjectEventView } from '@ngome/contracts'
import type { ClientPorts, ModelClient } from './model-client.ts'
import type { Life } from './scheduler.ts'

const pauseMsMax = 30 * 60_000
const pageMax = 50

/** A merchant's program that reads the list of events to its end, again and again, and now and then forgets how far it was. */
export class ModelReader {
  readonly listed: ObjectEventView[] = []
  readonly #from: ClientPorts
  readonly #client: ModelClient
  readonly #world: Life = { isOver: false }
  #cursor: string | undefined
  /** How many came before the cursor. */
  #at = 0

  constructor(from: ClientPorts, client: ModelClient) {
    this.#from = from
    this.#client = client
    from.scheduler.start(from.chance.between(0, pauseMsMax), this.#world, async () => {
      for (;;) {
        await this.read()
        await from.scheduler.pause(from.chance.between(60_000, pauseMsMax), this.#world)
        if (from.chance.happens(0.05)) [this.#cursor, this.#at] = [undefined, 0]
      }
    })
  }

  /** Reads once more to the end, when all is over; a client of the run meanwhile. */
  finish(): void {
    const { scheduler, seen } = this.#from
    seen.clients++
    scheduler.start(0, this.#world, async () => {
      await this.read()
      seen.clients--
    })
  }

  async read(): Promise<void> {
    const { seen } = this.#from
    for (;;) {
      const [cursor, at] = [this.#cursor, this.#at]
      const query = cursor === undefined ? { limit: pageMax } : { limit: pageMax, cursor }
      const reply = await this.#client.insist({ path: '/v1/events', body: undefined, query, isSigned: false })
      // Another of the same program went on meanwhile: on from where that one is, so that each reads to an end of its own.
      if (this.#cursor !== cursor || this.#at !== at) continue
      if ('fault' in reply) return void seen.contradictions.push(`the list of events answered ${reply.fault.code}`)
      const page = objectEventPageSchema.parse(JSON.parse(String(reply.answer.body)))
      for (const [index, event] of page.data.entries()) {
        const before = this.listed[at + index]
        if (before === undefined) this.listed.push(event)
        else if (before.id !== event.id) seen.contradictions.push(`the list of events had ${before.id} where it has ${event.id}`)
      }
      if (page.data.length === 0) return
      this.#cursor = page.next_cursor ?? undefined
      this.#at = at + page.data.length
    }
  }
}
