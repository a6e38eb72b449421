import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { handshake } from '@ngome/runtime'
import { AcmeResponder, AcmeSimulator, freePorts, Platform, SeededRandom } from '@ngome/testkit'
import { keepShakingHands, type Seen } from './keep-shaking-hands.ts'

type Tell = (line: string) => void
type Stand = { readonly platform: Platform; readonly simulator: AcmeSimulator; readonly responder: AcmeResponder; readonly roots: () => readonly string[] }

/** What happens to the platform between the command and the certificate. */
const blows = ['nothing', 'replacement of the gateway', 'kill -9 of the gateway', 'kill -9 of the dispatcher'] as const
type Blow = (typeof blows)[number]

/** A gateway hears within 15 s, an order takes some seconds, a killed dispatcher's half a minute more. */
const renewalMsMax = 120_000
const stapleMsMax = 60_000
/** Within this the command has been heard and the order is somewhere on its way. */
const blowWithinMs = 20_000

/**
 * Renews the certificate by ACME on a whole platform again and again, with a staple, while its gateway is replaced and its
 * processes are killed, and while a client shakes hands with it all the time; at last the certificate is revoked.
 * @returns whether each came, once, and no client met anything but a good certificate
 */
export async function renewCertificates(rounds: number, seed: number, tell: Tell): Promise<boolean> {
  tell(`${rounds} renewals, seed ${seed}`)
  const random = new SeededRandom(seed)
  const wrongs: string[] = []
  const stand = await raise()
  const { platform, simulator, responder } = stand
  const hands = keepShakingHands(() => look(stand))
  try {
    let before = await untilServed(stand, undefined, tell)
    await untilStapled(stand, tell)
    for (let round = 1; round <= rounds; round++) {
      const blow = blows[(round - 1) % blows.length] ?? 'nothing'
      hands.begin(blow)
      const asked = await platform.run('tls', 'acme', 'renew')
      if (asked.code !== 0) wrongs.push(`round ${round}: renew said ${asked.stderr}`)
      const struck = strike(platform, blow, random.between(0, blowWithinMs))
      before = await untilServed(stand, before, (line) => { tell(`round ${round}, ${blow}: ${line}`) })
      await struck
      await untilStapled(stand, (line) => { tell(`round ${round}, ${blow}: ${line}`) })
      const status = await platform.run('tls', 'acme', 'status')
      if (status.code !== 0) wrongs.push(`round ${round}: status after it is not well: ${status.stdout}`)
    }
    const issued = (await simulator.books()).orders.filter(({ chain }) => chain !== null).length
    if (issued !== rounds + 1) wrongs.push(`${issued} certificates were issued where ${rounds + 1} were wanted`)
    wrongs.push(...await revoke(stand, before, tell))
  } catch (error) {
    wrongs.push(`${error instanceof Error ? error.message : 'unknown'}\n${(await platform.run('tls', 'acme', 'status')).stdout}`)
  } finally {
    wrongs.push(...await hands.end(tell))
    await platform.remove()
    await simulator.stop()
    responder.close()
  }
  for (const wrong of wrongs) tell(`WRONG: ${wrong}`)
  tell(wrongs.length === 0 ? 'every certificate came, once, and was stapled; no client met another than a good one' : `${wrongs.length} wrongs; seed ${seed}`)
  return wrongs.length === 0
}

async function raise(): Promise<Stand> {
  const [authority = 0, challenges = 0] = await freePorts(2)
  const responder = await AcmeResponder.start()
  const simulator = await AcmeSimulator.start({ PORT: String(authority), VALIDATE_AT: `127.0.0.1:${challenges}`, RESPONDER: `http://${responder.address}/` })
  await responder.certifyBy(simulator)
  const platform = await Platform.create({ settings: {
    NGOME_GATEWAY__TLS__ACME__DIRECTORY_URL: simulator.directoryUrl, NGOME_GATEWAY__TLS__ACME__TERMS_AGREED: 'true',
    NGOME_GATEWAY__TLS__ACME__LISTEN: `127.0.0.1:${challenges}`,
  } })
  const root = join(platform.folder, 'root.pem')
  writeFileSync(root, simulator.root)
  chmodSync(root, 0o644)
  const allowed = [`127.0.0.1:${platform.ports.simulator}`, `localhost:${authority}`, responder.address]
  try {
    await platform.up({
      NGOME_EGRESS__ALLOW_PRIVATE: allowed.join(','), NGOME_GATEWAY__TLS__ACME__AUTHORITY_PATH: root, NGOME_GATEWAY__TLS__ROOTS_PATH: root,
    })
  } catch (error) {
    await platform.remove().catch(() => undefined)
    await simulator.stop()
    responder.close()
    throw error
  }
  // Before the first order is filled the platform's own authority vouches for it.
  return { platform, simulator, responder, roots: () => [simulator.root, readFileSync(join(platform.dataFolder, 'ca.pem'), 'utf8')] }
}

/** One handshake of a client that checks everything and asks for a staple. */
async function look({ platform, roots }: Stand): Promise<Seen> {
  const met = await handshake({ name: 'localhost', host: '127.0.0.1', port: platform.ports.gateway }, { ca: [...roots()], requestOCSP: true })
  if (met.kind === 'refused') throw new Error(met.code)
  const certificate = met.socket.getPeerX509Certificate()
  met.socket.destroy()
  return { serial: certificate?.serialNumber ?? '', isOrdered: certificate?.issuer === 'CN=Simulated intermediate', isStapled: met.staple !== undefined }
}

/** @returns the serial of the certificate that takes the place of the one before */
async function untilServed(stand: Stand, before: string | undefined, tell: Tell): Promise<string> {
  const startMs = performance.now()
  for (;;) {
    const seen = await look(stand).catch(() => undefined)
    const tookMs = performance.now() - startMs
    if (seen?.isOrdered === true && seen.serial !== before) {
      tell(`served after ${(tookMs / 1_000).toFixed(1)} s`)
      return seen.serial
    }
    if (tookMs > renewalMsMax) throw new Error('no other certificate came')
    await sleep(200)
  }
}

async function untilStapled(stand: Stand, tell: Tell): Promise<void> {
  const startMs = performance.now()
  for (;;) {
    const tookMs = performance.now() - startMs
    if ((await look(stand).catch(() => undefined))?.isStapled === true) return tell(`stapled ${(tookMs / 1_000).toFixed(1)} s later`)
    if (tookMs > stapleMsMax) throw new Error('nothing is stapled')
    await sleep(200)
  }
}

async function strike(platform: Platform, blow: Blow, afterMs: number): Promise<void> {
  if (blow === 'nothing') return
  await sleep(afterMs)
  if (blow === 'replacement of the gateway') process.kill(platform.launcherPid, 'SIGHUP')
  else platform.kill(blow === 'kill -9 of the gateway' ? 'gateway' : 'dispatcher')
}

/** The next certificate is revoked from its first answer on: nothing is stapled, and the status says why. */
async function revoke(stand: Stand, before: string, tell: Tell): Promise<readonly string[]> {
  const { platform, responder } = stand
  responder.says = { status: 'revoked' }
  await platform.run('tls', 'acme', 'renew')
  await untilServed(stand, before, (line) => { tell(`revoked: ${line}`) })
  for (let waited = 0; waited < stapleMsMax; waited += 1_000) {
    const { code, stdout } = await platform.run('tls', 'acme', 'status')
    if (/says that it is revoked/.test(stdout)) return [...code === 0 ? ['the status of a revoked certificate is well'] : [], ...(await look(stand)).isStapled ? ['a revocation is stapled'] : []]
    await sleep(1_000)
  }
  return ['nobody says that the certificate is revoked']
}
