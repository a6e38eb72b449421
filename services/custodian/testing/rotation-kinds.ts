import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SoftHsm } from '@ngome/testkit'
import type { KillWorld } from './kill-world.ts'

/** Where custodians run: one with its root in a file, one with it in an HSM, or two on a PostgreSQL. */
export type KillPlace = 'file' | 'hsm' | 'pair'

export type RotationKind = {
  readonly name: string
  readonly place: KillPlace
  /** How long after its call work on it goes on at most: what kills are aimed at. */
  readonly workMs: number
  /** Whether a place stands for one rotation only, since there is no way back. */
  readonly isOnce?: true
  /** What must have happened before, undisturbed. */
  readonly prepare?: (world: KillWorld, hsm: SoftHsm | undefined) => Promise<void>
  /** Asks for the rotation; asked again where it was killed before it had begun. */
  readonly begin: (world: KillWorld) => Promise<unknown>
  /** What must be true of this kind once it ended. */
  readonly after?: (world: KillWorld) => Promise<void>
}

const rotateMerchant = (isCompromised: boolean): RotationKind['begin'] => (world) => (
  world.call('operator', '/v1/rotate-merchant-keys', { ...world.tenant, compromised: isCompromised })
)

/** What is done within the call; after the next look at keys, a second later at most; after a start. */
const workMs = { inCall: 80, afterLook: 1_300, afterStart: 2_000 } as const

/** How often, and for how long, it is looked whether a destruction has begun. */
const beginLookMs = 100
const beginLooksMax = 100

/** What must not open any more, by world. */
const destroyed = new WeakMap<KillWorld, Awaited<ReturnType<KillWorld['seal']>>>()

/** Every kind of rotation that there is. A further one is a row. */
export const rotationKinds: readonly RotationKind[] = [
  { name: 'root', place: 'file', workMs: workMs.afterLook, begin: (world) => world.call('operator', '/v1/rotate-root-key', {}) },
  { name: 'merchant', place: 'file', workMs: workMs.inCall, begin: rotateMerchant(false) },
  { name: 'compromised merchant', place: 'file', workMs: workMs.inCall, begin: rotateMerchant(true) },
  {
    name: 'API pepper', place: 'file', workMs: workMs.afterLook,
    begin: (world) => world.call('operator', '/v1/rotate-secret', { name: 'api-pepper', compromised: false, endAt: null }),
  },
  { name: 'destruction', place: 'file', workMs: workMs.afterStart, prepare: prepareDestruction, begin: restart, after: isDestroyed },
  { name: 'root from the file to an HSM', place: 'file', isOnce: true, workMs: workMs.afterStart, prepare: prepareHsm, begin: restart },
  { name: 'destruction, root in an HSM', place: 'hsm', workMs: workMs.afterStart, prepare: prepareDestruction, begin: restartUntilBegun, after: isDestroyed },
  { name: 'merchant, root in an HSM', place: 'hsm', workMs: workMs.inCall, begin: rotateMerchant(true) },
  { name: 'merchant, of a pair', place: 'pair', workMs: workMs.inCall, begin: rotateMerchant(false) },
]

async function restart({ custodian }: KillWorld): Promise<void> {
  await custodian.kill()
  await custodian.ready()
}

/** A token takes its time to make a successor, while the custodian answers already. */
async function restartUntilBegun(world: KillWorld): Promise<void> {
  await restart(world)
  for (let looks = 0; looks < beginLooksMax; looks++) {
    const { destructions: [latest] } = await world.call('operator', '/v1/destructions', {})
    if (latest?.state !== 'waiting') return
    await sleep(beginLookMs)
  }
}

/** A merchant whose destruction is due at the next start. */
async function prepareDestruction(world: KillWorld): Promise<void> {
  const victim = await world.newTenant()
  const kept = await world.seal(victim)
  await world.open(kept)
  destroyed.set(world, kept)
  await world.call('operator', '/v1/destroy-merchant-keys', await world.approved('/v1/destroy-merchant-keys', { ...victim, key: null }))
  await world.custodian.kill()
  // A wait of an hour, the least that can be configured, is over.
  const db = new DatabaseSync(join(world.custodian.folder, 'custodian.sqlite'))
  db.exec(`UPDATE destructions SET due_at_ms = 0 WHERE state = 'waiting'`)
  db.close()
}

async function isDestroyed(world: KillWorld): Promise<void> {
  const kept = destroyed.get(world)
  if (kept === undefined) throw new TypeError('nothing was destroyed')
  const isOpen = await world.open(kept).then(() => true, () => false)
  if (isOpen) world.wrongs.push('a record of a destroyed merchant opens')
  const { destructions: [latest] } = await world.call('operator', '/v1/destructions', {})
  if (latest?.state !== 'done') world.wrongs.push(`a destruction is ${latest?.state} after its rotation`)
}

/** The configuration names an HSM from the next start on, and the file as what was before. */
async function prepareHsm({ custodian }: KillWorld, hsm: SoftHsm | undefined): Promise<void> {
  if (hsm === undefined) throw new TypeError('no HSM to move to')
  await custodian.kill()
  useHsm(custodian, hsm)
  custodian.settings = { ...custodian.settings, NGOME_CUSTODIAN__PREVIOUS_ROOT_KEY: 'file' }
}

/** Gives a custodian the root of this HSM, as the launcher does. */
export function useHsm(custodian: KillWorld['custodian'], hsm: SoftHsm): void {
  custodian.settings = { NGOME_ROOT_KEY: hsm.uri(), SOFTHSM2_CONF: hsm.confPath }
  custodian.flags = ['--allow-addons', `--allow-fs-read=${hsm.folder}`]
}
