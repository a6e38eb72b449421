import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '@ngome/kernel'
import { SeededRandom, SoftHsm } from '@ngome/testkit'
import { openPostgresStore } from '../store/postgres/open-postgres-store.ts'
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { CustodianProcess } from './custodian-process.ts'
import { CustodianServer } from './custodian-server.ts'
import { KillWorld } from './kill-world.ts'
import { useHsm, type RotationKind } from './rotation-kinds.ts'
import { isUnderWay, unlogged, wrongsOf } from './store-holds.ts'
import type { Pair } from './test-custodian.ts'

/** One kill -9: how long after the rotation was asked for, after a start, or after a custodian is ready. */
export type Kill = { readonly from: 'call' | 'start' | 'ready'; readonly delayMs: number; readonly victim: number }
/** A rotation, and when the custodian is killed in it. */
export type KillPoint = { readonly kind: RotationKind; readonly kills: readonly Kill[] }

export type KillRotationsReport = {
  /** By kind: how often the custodian was killed, and how often it left a rotation under way. */
  readonly kills: Readonly<Record<string, { readonly all: number; readonly amid: number }>>
  readonly slowestRestartMs: Readonly<Record<string, number>>
  readonly openings: number
  readonly wrongs: readonly string[]
}

/** How long a call takes, or the first look at keys after a start; and a start. */
const callMs = 80
const startMs = 1_200

type Tally = { all: number; amid: number }
type Run = {
  readonly kills: Record<string, Tally>
  readonly slowestRestartMs: Record<string, number>
  readonly tell: (line: string) => void
}

/**
 * Draws all kills of a run from its seed: as many points as asked, dealt out over the kinds. Half of the first kills come
 * within a call, half while the work goes on; then up to two more hit the starts in which it is taken up again.
 */
export function planKills(kinds: readonly RotationKind[], points: number, seed: number): readonly KillPoint[] {
  const random = new SeededRandom(seed)
  const victim = (): number => random.between(0, 1)
  const drawn = Array.from({ length: points }, (_, at): KillPoint => {
    const kind = kinds[at % kinds.length]
    if (kind === undefined) throw new RangeError('no kind of rotation to kill in')
    const first: Kill = {
      from: 'call', delayMs: random.between(0, random.next() < 0.5 ? callMs : kind.workMs), victim: victim(),
    }
    const further = Array.from({ length: random.pick([0, 0, 1, 2]) }, (): Kill => (
      random.next() < 0.3
        ? { from: 'start', delayMs: random.between(0, startMs), victim: victim() }
        : { from: 'ready', delayMs: random.between(0, callMs), victim: victim() }
    ))
    return { kind, kills: [first, ...further] }
  })
  return drawn.toSorted((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind))
}

/**
 * Carries out a plan against real custodian processes while calls go on: rotations are begun, killed, and gone on with
 * by the next start. After each kill the store is held against what was acknowledged, after each end all must open.
 */
export async function killRotations(
  points: readonly KillPoint[], { seed, tell }: { readonly seed: number; readonly tell: (line: string) => void },
): Promise<KillRotationsReport> {
  const run: Run = { kills: {}, slowestRestartMs: {}, tell }
  const wrongs: string[] = []
  let openings = 0
  const places = Map.groupBy(points, ({ kind }, at) => (kind.isOnce === true ? `once ${at}` : kind.place))
  for (const [, ofPlace] of places) {
    const [first] = ofPlace
    if (first === undefined) continue
    const place = await openPlace(first.kind, new SeededRandom(seed))
    try {
      for (const point of ofPlace) await runPoint(place, point, run)
      await endPlace(place)
    } catch (failure) {
      place.world.wrongs.push(`${String(failure)} ${place.world.custodians.map(({ output }) => output.slice(-2_000)).join('\n')}`)
    } finally {
      await place.close()
    }
    wrongs.push(...place.world.wrongs)
    openings += place.world.openings
  }
  return { kills: run.kills, slowestRestartMs: run.slowestRestartMs, openings, wrongs }
}

type Place = {
  readonly world: KillWorld
  readonly hsm: SoftHsm | undefined
  /** Opens the store beside the custodians, or where they are all dead. */
  readonly openStore: () => Promise<Store>
  readonly isFile: boolean
  close(): Promise<void>
}

async function openPlace({ place, isOnce }: RotationKind, random: SeededRandom): Promise<Place> {
  const hsm = place === 'hsm' || isOnce === true ? new SoftHsm() : undefined
  const server = place === 'pair' ? await CustodianServer.start() : undefined
  const pair: Pair | undefined = server && {
    database: await server.database(), rootKey: systemRandom.bytes(32), enrolmentKey: systemRandom.bytes(32),
  }
  const custodians = [await CustodianProcess.create(undefined, pair)]
  if (pair !== undefined) custodians.push(await CustodianProcess.create(undefined, pair))
  const [one, other] = custodians
  if (one === undefined) throw new TypeError('no custodian was made')
  one.twin = other
  if (place === 'hsm' && hsm !== undefined) useHsm(one, hsm)
  const close = async (): Promise<void> => {
    for (const custodian of custodians) await custodian.remove()
    await server?.stop()
    hsm?.remove()
  }
  try {
    return {
      world: await KillWorld.start(custodians, random), hsm, isFile: pair === undefined,
      openStore: () => pair === undefined ? Promise.resolve(openSqliteStore(one.folder, systemRandom)) : openPostgresStore(pair.database, systemRandom),
      close,
    }
  } catch (failure) {
    await close()
    throw failure
  }
}

async function runPoint(place: Place, { kind, kills }: KillPoint, run: Run): Promise<void> {
  const { world, hsm } = place
  const before = world.wrongs.length
  const tally = run.kills[kind.name] ??= { all: 0, amid: 0 }
  const latest = await world.latestRotation()
  await kind.prepare?.(world, hsm)
  let isKilled = false
  const asked = kind.begin(world).then(() => true, (failure: unknown) => {
    // A call that the kill cut off; any other failure is one.
    if (!isKilled) world.wrongs.push(`${kind.name} did not begin: ${String(failure)}`)
    return false
  })
  for (const kill of kills) {
    const victim = world.custodians[kill.victim % world.custodians.length] ?? world.custodian
    // Of a pair the other may be the victim, and run still.
    if (kill.from === 'start' && !isRunning(victim)) victim.start()
    if (kill.from === 'ready' && !isRunning(victim)) await restart(victim, kind, run)
    await sleep(kill.delayMs)
    isKilled = true
    tally.all++
    await victim.kill()
    if (place.isFile && await holdsDead(place)) tally.amid++
  }
  for (const custodian of world.custodians) if (!isRunning(custodian)) await restart(custodian, kind, run)
  await asked
  if (await world.latestRotation() === latest) {
    await kind.begin(world)
    if (await world.latestRotation() === latest) world.wrongs.push(`${kind.name} was asked for and did not happen`)
  }
  await kind.after?.(world)
  await world.openKept('some')
  if (world.wrongs.length > before) world.wrongs.push(`so after ${kind.name} with the kills ${JSON.stringify(kills)}`)
  run.tell(`${kind.name}: killed ${kills.map(({ from, delayMs }) => `${delayMs} ms from its ${from}`).join(', ')}`)
}

function isRunning({ child }: CustodianProcess): boolean {
  return child?.exitCode === null && child.signalCode === null
}

async function restart(custodian: CustodianProcess, { place }: RotationKind, run: Run): Promise<void> {
  await custodian.kill()
  const fromMs = performance.now()
  await custodian.ready()
  run.slowestRestartMs[place] = Math.max(run.slowestRestartMs[place] ?? 0, Math.round(performance.now() - fromMs))
}

/** Looks at what a dead custodian left. @returns whether anything was under way */
async function holdsDead({ world, openStore }: Place): Promise<boolean> {
  const store = await openStore()
  try {
    world.wrongs.push(...await wrongsOf(store))
    const answered = world.answered.splice(0)
    for (const record of await unlogged(store, answered)) world.wrongs.push(`${record} was opened, and is not in the log`)
    return await isUnderWay(store)
  } finally {
    await store.close()
  }
}

/** Everything must open; then all custodians go, and their store is looked at once more. */
async function endPlace(place: Place): Promise<void> {
  const { world } = place
  await world.openKept('all')
  await world.end()
  for (const custodian of world.custodians) await custodian.kill()
  if (await holdsDead(place)) world.wrongs.push('a rotation or a destruction is still under way')
}
