import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import { banNetwork, listBans, type Database } from '@ngome/store'
import type { BanList, NewBan } from './ban-list.ts'

/** A ban of another gateway, or of the operator, is known everywhere within this and one query. */
const readPeriodMs = 2_000
/** Bans on their way to the database; past this one stays this gateway's own, since who is attacked must not wait for it. */
const writesMax = 4

export type ShareBansPorts = {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Keeps a gateway's bans and those in the database together. Without the database each gateway has its own. */
export class ShareBans {
  readonly #ports: ShareBansPorts
  readonly #list: () => BanList
  #writing = 0
  #timer: NodeJS.Timeout | undefined
  #isTold = false
  #isStopped = false

  constructor(ports: ShareBansPorts, list: () => BanList) {
    this.#ports = ports
    this.#list = list
  }

  start(): void {
    void this.#read().finally(() => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.start(), readPeriodMs).unref()
    })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Keeps a ban of ours, and says that it was. */
  write(ban: NewBan): void {
    const { database, clock, random, logger } = this.#ports
    const { network, seconds, reason } = ban
    logger.warn({ network, seconds, reason }, 'a network was banned')
    if (this.#writing >= writesMax) return
    this.#writing++
    const event = emit({ clock, random, process: 'gateway' }, 'gateway.banned', null, { network, seconds, reason })
    banNetwork(database, ban, event)
      .then((isKept) => { if (isKept) this.#list().markShared(network) })
      .catch((err: unknown) => logger.error({ err }, 'a ban could not be shared'))
      .finally(() => this.#writing--)
  }

  async #read(): Promise<void> {
    try {
      this.#list().share(await listBans(this.#ports.database))
      this.#isTold = false
    } catch (err) {
      if (!this.#isTold) this.#ports.logger.error({ err }, 'bans cannot be read: this gateway goes on with those that it knows')
      this.#isTold = true
    }
    this.#list().sweep()
  }
}
