import type { ServerResponse } from 'node:http'
import type { RequestId } from '@ngome/kernel'
import { sendAnswer, type Answer } from './answer.ts'

type Waiting = {
  readonly response: ServerResponse
  readonly answer: Answer
  /** Headers that guards add to it. */
  readonly added?: readonly string[] | undefined
  readonly requestId: RequestId
  readonly isLast: boolean
}

/**
 * Answers that become ready in one turn of the event loop leave one behind the other, after the work of all of them: one
 * reading of the database answers many requests, and a write in between each two costs more than the writes themselves.
 * Nothing waits longer than that turn.
 */
export class Outbox {
  readonly #onFailure: (error: unknown, requestId: RequestId) => void
  #waiting: Waiting[] = []

  /** @param onFailure told of an answer that could not be sent: a bug, since its parts are ours */
  constructor(onFailure: (error: unknown, requestId: RequestId) => void) {
    this.#onFailure = onFailure
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (this.#waiting.length === 1) process.nextTick(() => this.#send())
  }

  #send(): void {
    const all = this.#waiting
    this.#waiting = []
    for (const one of all) this.#sendOne(one)
  }

  /** One that fails must not take the answers behind it along. */
  #sendOne({ response, answer, added, requestId, isLast }: Waiting): void {
    // The first answer to a request is the one, and a client that left needs none.
    if (response.headersSent || response.destroyed) return
    try {
      sendAnswer(response, answer, requestId, isLast, added)
    } catch (error) {
      response.destroy()
      this.#onFailure(error, requestId)
    }
  }
}
