import type { Operations } from '../api/operations.ts'
import type { Event, EventPage } from '../api/webhook-answers.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

export class Events {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /**
   * All that changed, the earliest first, up to now. Complete: keep the last page's `next_cursor`, and give it as `cursor` the next
   * time; what came since follows it, and nothing is missed.
   */
  list(query: Operations['listEvents']['query'] = {}, options?: CallOptions): Pages<Event, EventPage> {
    return pagesOf((cursor) => this.#caller.call('listEvents', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }

  async get(id: string, options?: CallOptions): Promise<Event> {
    assertId(id, 'evt')
    return this.#caller.call('getEvent', { params: { id } }, options)
  }
}
