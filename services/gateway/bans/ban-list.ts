import { BlockList, isIP } from 'node:net'
import { networkOf } from '@ngome/access'
import { bansMax } from '@ngome/kernel'
import type { Misdeed } from '../http/defence.ts'
import { costOf, firstBanS, forgivenPerS, goodPoints, longestBanS, offendersMax, pointsMax } from './misdeeds.ts'

export type NewBan = { readonly network: string; readonly seconds: number; readonly times: number; readonly reason: Misdeed }
/** A ban as the gateways share it; of one that is over, how often it was, so that the next is longer. */
export type SharedBan = { readonly network: string; readonly secondsLeft: number; readonly times: number }

type Ban = { readonly endsAtMs: number; readonly times: number; isShared: boolean }

export type BanListPorts = {
  /** CIDR, as the configuration has it. */
  readonly trusted: readonly string[]
  readonly monotonicMs: () => number
  /** Told of each ban that this gateway imposes. */
  readonly onBan: (ban: NewBan) => void
  /** Told of what the kernel should refuse, or no more (0 seconds). */
  readonly onChange: (network: string, seconds: number) => void
  /** Told that the kernel should forget what others ordered before this gateway came; what stands is told next. */
  readonly onForget: () => void
}

/**
 * Who is refused before his handshake, and who is on his way there: points for misdeeds, by network, forgiven with time
 * and by good requests. An address that is faked cannot be banned by its faker: a misdeed needs a TCP connection that
 * stands, and the answers to a faked address go to somebody else (RFC 9293 §3.5).
 */
export class BanList {
  readonly #ports: BanListPorts
  readonly #trusted = new BlockList()
  readonly #offenders = new Map<string, { points: number; atMs: number }>()
  #bans = new Map<string, Ban>()
  #isShared = false

  constructor(ports: BanListPorts) {
    this.#ports = ports
    for (const text of ports.trusted) {
      const [address = '', bits = ''] = text.split('/')
      this.#trusted.addSubnet(address, Number(bits), familyOf(address))
    }
  }

  /** How many networks are banned now. */
  get size(): number {
    const nowMs = this.#ports.monotonicMs()
    return this.#bans.values().filter(({ endsAtMs }) => endsAtMs > nowMs).toArray().length
  }

  get offenders(): number {
    return this.#offenders.size
  }

  isTrusted(address: string | undefined): boolean {
    return address !== undefined && isIP(address) !== 0 && this.#trusted.check(address, familyOf(address))
  }

  isBanned(address: string | undefined): boolean {
    if (this.#bans.size === 0) return false
    const ban = this.#bans.get(networkOf(address ?? '') ?? '')
    return ban !== undefined && ban.endsAtMs > this.#ports.monotonicMs() && !this.isTrusted(address)
  }

  /** Counts a misdeed, and bans its network where it is one too many. */
  note(misdeed: Misdeed, address: string | undefined): void {
    const cost = costOf(misdeed)
    if (cost === 0 || address === undefined || this.isTrusted(address)) return
    const network = networkOf(address)
    if (network === undefined) return
    const nowMs = this.#ports.monotonicMs()
    const known = this.#offenders.get(network)
    const points = (known === undefined ? 0 : pointsAt(known, nowMs)) + cost
    if (points >= pointsMax) {
      this.#offenders.delete(network)
      this.#ban(network, misdeed, nowMs)
      return
    }
    if (known === undefined && this.#offenders.size >= offendersMax) this.#forgetOldest()
    this.#offenders.set(network, { points, atMs: nowMs })
  }

  /** Counts a request that was answered to somebody whose key was right. */
  noteGood(address: string | undefined): void {
    if (this.#offenders.size === 0) return
    const known = this.#offenders.get(networkOf(address ?? '') ?? '')
    if (known !== undefined) known.points = Math.max(0, known.points - goodPoints)
  }

  /** Takes what all gateways share; bans of ours that are not shared yet stay. */
  share(shared: readonly SharedBan[]): void {
    const nowMs = this.#ports.monotonicMs()
    const next = new Map<string, Ban>()
    const isFirst = !this.#isShared
    for (const { network, secondsLeft, times } of shared.slice(0, bansMax)) {
      const known = this.#bans.get(network)
      const endsAtMs = nowMs + secondsLeft * 1_000
      next.set(network, { endsAtMs, times, isShared: true })
      // Seconds are rounded up; only a real change is news to the kernel.
      if (!isFirst && secondsLeft > 0 && Math.abs((known?.endsAtMs ?? 0) - endsAtMs) > 2_000) this.#ports.onChange(network, secondsLeft)
    }
    for (const [network, ban] of this.#bans) {
      if (next.has(network) || ban.endsAtMs <= nowMs) continue
      if (ban.isShared) this.#ports.onChange(network, 0)
      else next.set(network, ban)
    }
    this.#bans = next
    this.#isShared = true
    // Whom somebody pardoned while the gateway before us ended, neither it nor we would tell of.
    if (isFirst) this.tellAll()
  }

  /** Tells of every ban that stands, and that no other does, to a kernel that has just come. */
  tellAll(): void {
    if (this.#isShared) this.#ports.onForget()
    const nowMs = this.#ports.monotonicMs()
    for (const [network, { endsAtMs }] of this.#bans) {
      if (endsAtMs > nowMs) this.#ports.onChange(network, Math.ceil((endsAtMs - nowMs) / 1_000))
    }
  }

  /** The ban is in the database now: whoever takes it out there ends it. */
  markShared(network: string): void {
    const ban = this.#bans.get(network)
    if (ban !== undefined) ban.isShared = true
  }

  /** Forgets who owes nothing any more. */
  sweep(): void {
    const nowMs = this.#ports.monotonicMs()
    for (const [network, offender] of this.#offenders) if (pointsAt(offender, nowMs) === 0) this.#offenders.delete(network)
  }

  #ban(network: string, reason: Misdeed, nowMs: number): void {
    const known = this.#bans.get(network)
    if (known === undefined && this.#bans.size >= bansMax) return
    const times = Math.min(1_000, (known?.times ?? 0) + 1)
    const seconds = Math.min(longestBanS, firstBanS * 2 ** (times - 1))
    this.#bans.set(network, { endsAtMs: nowMs + seconds * 1_000, times, isShared: false })
    this.#ports.onChange(network, seconds)
    this.#ports.onBan({ network, seconds, times, reason })
  }

  /** A map gives its keys in the order in which they came. */
  #forgetOldest(): void {
    const [oldest] = this.#offenders.keys()
    if (oldest !== undefined) this.#offenders.delete(oldest)
  }
}

function pointsAt({ points, atMs }: { readonly points: number; readonly atMs: number }, nowMs: number): number {
  return Math.max(0, points - (nowMs - atMs) * forgivenPerS / 1_000)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
