import type { Socket } from 'node:net'
import type { Clock, Random } from '@ngome/kernel'
import type { Config, Logger } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import type { Registry } from 'prom-client'
import { BanList } from '../bans/ban-list.ts'
import { KernelBans } from '../bans/kernel-bans.ts'
import { ShareBans } from '../bans/share-bans.ts'
import { isForForeignPage } from '../browsers/is-for-foreign-page.ts'
import type { Defence } from '../http/defence.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import { Shedding } from '../overload/shedding.ts'
import { OverloadTeller } from '../overload/tell-overload.ts'
import { defenceMetrics, type DefenceCounts } from './defence-metrics.ts'

/** How soon after it began an operator hears of an overload. */
const tellLookMs = 1_000

export type DefencePorts = {
  readonly config: Pick<Config, 'gateway'>
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly monotonicMs: () => number
  readonly logger: Logger
  readonly metrics: Registry
}

/** What keeps the gateway standing while somebody wants it to fall: shedding, bans, and counts of both. */
export type Defences = {
  readonly defence: Defence
  readonly shedding: Shedding
  /** Judges whoever asked by what came of it. */
  judge(request: GatewayRequest): void
  /** From now on the kernel refuses whom we ban, by the helper behind this pipe. */
  useKernel(pipe: Socket): void
  start(): () => void
}

export function createDefences(from: DefencePorts): Defences {
  const counts: DefenceCounts = {
    slow: { head: 0, body: 0, answer: 0 }, refused: { banned: 0, too_many: 0, too_fast: 0 },
  }
  const kernel = new KernelBans(from.logger, () => bans.tellAll())
  const sharing = new ShareBans(from, () => bans)
  const bans: BanList = new BanList({
    trusted: from.config.gateway.neverBanned,
    monotonicMs: from.monotonicMs,
    onBan: (ban) => sharing.write(ban),
    onChange: (network, seconds) => kernel.set(network, seconds), onForget: () => kernel.forget(),
  })
  const shedding: Shedding = new Shedding({ monotonicMs: from.monotonicMs, onShed: (urgency) => overload.count(urgency) })
  const overload = new OverloadTeller({ ...from, limit: () => shedding.limit.limit })
  defenceMetrics(from.metrics, { ...counts, shed: overload.total, limit: shedding.limit, pressure: shedding.pressure, bans })
  return {
    shedding,
    defence: {
      isBanned: (address) => bans.isBanned(address),
      isTrusted: (address) => bans.isTrusted(address),
      onMisdeed: (misdeed, address) => bans.note(misdeed, address),
      onCut: (kind) => counts.slow[kind]++,
      onConnectionRefused: (why) => counts.refused[why]++,
    },
    judge: ({ faultCode, caller, socket, headers }) => {
      if (faultCode !== null && isForForeignPage(headers)) return
      if (faultCode !== null) bans.note(faultCode, socket.remoteAddress)
      else if (caller !== null) bans.noteGood(socket.remoteAddress)
    },
    useKernel: (pipe) => kernel.use(pipe),
    start: () => {
      sharing.start()
      const telling = setInterval(() => overload.tell(), tellLookMs).unref()
      return () => {
        clearInterval(telling)
        sharing.stop()
        kernel.close()
      }
    },
  }
}
