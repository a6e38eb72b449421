import { replayEndpointSchema } from '@ngome/contracts'
import type { WebhookEndpointId } from '@ngome/kernel'
import type { ClientPorts, ModelClient } from './model-client.ts'
import type { Life } from './scheduler.ts'

const pauseMsMax = 4 * 3_600_000
const pauseMsMin = 30 * 60_000
/** Clocks of dispatchers, which say when something changed, jump by hours. */
const sinceMsMax = 20 * 86_400_000

/** A merchant's program that has told again what was given up while its endpoint was away, now and then. */
export class ModelReplayer {
  readonly #from: ClientPorts
  readonly #client: ModelClient
  readonly #endpoint: WebhookEndpointId
  readonly #world: Life = { isOver: false }
  readonly #startMs: number

  constructor(from: ClientPorts, client: ModelClient, endpoint: WebhookEndpointId) {
    this.#from = from
    this.#client = client
    this.#endpoint = endpoint
    this.#startMs = from.scheduler.nowMs - 3 * 86_400_000
    from.scheduler.start(from.chance.between(pauseMsMin, pauseMsMax), this.#world, async () => {
      for (;;) {
        await this.#replay()
        await from.scheduler.pause(from.chance.between(pauseMsMin, pauseMsMax), this.#world)
      }
    })
  }

  /** Once more, a client of the run meanwhile. */
  finish(): void {
    const { scheduler, seen } = this.#from
    seen.clients++
    scheduler.start(0, this.#world, async () => {
      await this.#replay()
      seen.clients--
    })
  }

  async #replay(): Promise<void> {
    const { scheduler, chance, seen } = this.#from
    const since = new Date(Math.max(this.#startMs, scheduler.nowMs - sinceMsMax)).toISOString()
    const reply = await this.#client.insist({
      path: `/v1/webhook_endpoints/${this.#endpoint}/replay`, body: replayEndpointSchema.parse({ since }), isSigned: false,
      idempotencyKey: Buffer.from(chance.random.bytes(16)).toString('hex'),
    })
    if ('fault' in reply && reply.fault.code !== 'webhooks/replay_running') seen.contradictions.push(`a replay was answered with ${reply.fault.code}`)
  }
}
