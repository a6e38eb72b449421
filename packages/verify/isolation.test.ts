import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { SelfTestResponse } from '@ngome/contracts'
import { ManualClock, systemRandom } from '@ngome/kernel'
import type { SelfTester } from './custodian/self-test.ts'
import type { MachineView, ProcessView } from './isolation/machine-view.ts'
import { egressIsClosed } from './probes/egress-is-closed.ts'
import { processIsolation } from './probes/process-isolation.ts'
import { runProbes } from './run-probes.ts'

const on = { status: 'on' }
const everything = { permissionModel: on, ownUsers: on, noNewPrivileges: on, noCapabilities: on, noCoreDumps: on, diesWithLauncher: on, egressRules: on }
const flags = ['node', '--permission', '--allow-net', '--allow-fs-read=/srv', '--no-experimental-sqlite', 'main.ts']

const launcherPid = 900
const none = '0000000000000000'
const capabilities = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}:\t${none}\n`).join('')

function processOf(name: string, uid: number, changes: Partial<ProcessView> = {}): ProcessView {
  return {
    name,
    pid: uid,
    status: `Name:\tnode\nPPid:\t${launcherPid}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nNoNewPrivs:\t1\n${capabilities}`,
    limits: 'Limit  Soft Limit  Hard Limit  Units\nMax core file size        0                    0                    bytes\n',
    commandLine: name === 'custodian' ? flags.filter((flag) => !flag.includes('sqlite')) : flags,
    channel: 'open',
    ...changes,
  }
}

const sound: MachineView = {
  report: everything,
  launcherPid,
  processes: [processOf('gateway', 901), processOf('custodian', 902), processOf('dispatcher', 903)],
  secretFiles: [{ path: 'custodian/root.key', mode: 0o100600, uid: 902 }, { path: 'gateway', mode: 0o40700, uid: 901 }],
}

const withGateway = (changes: Partial<ProcessView>): MachineView => ({
  ...sound,
  processes: sound.processes.map((process) => (process.name === 'gateway' ? { ...process, ...changes } : process)),
})

async function look(view: MachineView): Promise<{ status: string; evidence: string }> {
  const [result] = await runProbes([processIsolation], { machine: () => Promise.resolve(view) }, new ManualClock(0))
  assert.ok(result)
  return result
}

test('everything on and seen holds', async () => {
  const { status, evidence } = await look(sound)
  assert.equal(status, 'holds', evidence)
  assert.match(evidence, /each a child of launcher 900 with a channel to it/)
})

test('what the launcher reports as missing is partial, with the reason', async () => {
  const { status, evidence } = await look({
    ...sound, report: { ...everything, ownUsers: { status: 'off', reason: 'the launcher was not started as root' } },
  })
  assert.equal(status, 'partial')
  assert.match(evidence, /not started as root/)
})

test('two gateways during a replacement share their user, and hold', async () => {
  assert.equal((await look({ ...sound, processes: [...sound.processes, processOf('gateway', 901)] })).status, 'holds')
})

test('an ordinary user\'s process, whose bounding set nobody could empty, holds without new privileges', async () => {
  const status = sound.processes[0]?.status?.replace('CapBnd:\t0000000000000000', 'CapBnd:\t000001ffffffffff')
  assert.equal((await look(withGateway({ status }))).status, 'holds')
})

const lies: readonly { claim: string; view: MachineView }[] = [
  { claim: 'a process as root', view: withGateway({ status: processOf('gateway', 0).status }) },
  { claim: 'a process whose saved user is root', view: withGateway({ status: processOf('gateway', 901).status?.replace('901\t901\nNo', '0\t901\nNo') }) },
  { claim: 'two zones as one user', view: withGateway({ status: processOf('gateway', 902).status }) },
  { claim: 'a process that may gain privileges', view: withGateway({ status: sound.processes[0]?.status?.replace('NoNewPrivs:\t1', 'NoNewPrivs:\t0') }) },
  { claim: 'a process with a capability', view: withGateway({ status: sound.processes[0]?.status?.replace('CapEff:\t0000000000000000', 'CapEff:\t0000000000000400') }) },
  { claim: 'a process that holds one back', view: withGateway({ status: sound.processes[0]?.status?.replace('CapPrm:\t0000000000000000', 'CapPrm:\t0000000000000400') }) },
  {
    claim: 'a process that may gain one',
    view: {
      ...withGateway({ status: sound.processes[0]?.status?.replace('CapBnd:\t0000000000000000', 'CapBnd:\t000001ffffffffff').replace('NoNewPrivs:\t1', 'NoNewPrivs:\t0') }),
      report: { ...everything, noNewPrivileges: { status: 'off', reason: 'x' } },
    },
  },
  { claim: 'a process that may dump its core', view: withGateway({ limits: 'Max core file size        unlimited            unlimited            bytes\n' }) },
  { claim: 'a process without the permission model', view: withGateway({ commandLine: ['node', 'main.ts'] }) },
  { claim: 'a process with workers', view: withGateway({ commandLine: [...flags, '--allow-worker'] }) },
  { claim: 'a gateway with native code', view: withGateway({ commandLine: [...flags, '--allow-addons'] }) },
  { claim: 'a process that reads everything', view: withGateway({ commandLine: [...flags, '--allow-fs-read=*'] }) },
  { claim: 'a gateway with SQLite', view: withGateway({ commandLine: flags.filter((flag) => !flag.includes('sqlite')) }) },
  { claim: 'a process that another than the launcher started', view: withGateway({ status: sound.processes[0]?.status?.replace('PPid:\t900', 'PPid:\t1') }) },
  { claim: 'a process without a channel to its launcher', view: withGateway({ channel: 'none' }) },
  { claim: 'a process without a channel, whatever else is unseen', view: { ...withGateway({ channel: 'none' }), launcherPid: undefined } },
  { claim: 'a root key that others may read', view: { ...sound, secretFiles: [{ path: 'custodian/root.key', mode: 0o100640, uid: 902 }] } },
]
for (const { claim, view } of lies) {
  test(`${claim}, against the launcher's report, fails`, async () => {
    const { status, evidence } = await look(view)
    assert.equal(status, 'fails', evidence)
  })
}

const unseen: readonly { claim: string; view: MachineView }[] = [
  { claim: 'a channel', view: withGateway({ channel: undefined }) },
  { claim: 'a parent', view: withGateway({ status: sound.processes[0]?.status?.replace('PPid:\t900\n', '') }) },
  { claim: 'the launcher\'s number', view: { ...sound, launcherPid: undefined } },
]
for (const { claim, view } of unseen) {
  test(`${claim} that cannot be seen leaves the death with the launcher its own word, which does not hold`, async () => {
    const { status, evidence } = await look(view)
    assert.equal(status, 'partial')
    assert.match(evidence, /diesWithLauncher \(the launcher's own word/)
    const off = { ...everything, diesWithLauncher: { status: 'off', reason: 'setpriv is not installed' } }
    assert.match((await look({ ...view, report: off })).evidence, /setpriv is not installed/)
  })
}

test('no report, or a process that does not run, is unchecked', async () => {
  assert.equal((await look({ ...sound, report: undefined })).status, 'unchecked')
  assert.equal((await look({ ...sound, processes: sound.processes.slice(1) })).status, 'unchecked')
})

const refused = (): Promise<SelfTestResponse> => Promise.resolve({ outcome: 'refused', code: 'ECONNREFUSED' })

async function lookAtEgress(selfTest: SelfTester['selfTest'], view: MachineView = sound): Promise<{ status: string; evidence: string }> {
  const target = { selfTest, machine: () => Promise.resolve(view), random: systemRandom }
  const [result] = await runProbes([egressIsClosed], target, new ManualClock(0))
  assert.ok(result)
  return result
}

/** A self-test of a process that does connect, and then says what it likes. */
const connectsAndSays = (outcome: SelfTestResponse['outcome']) => (port: number | undefined): Promise<SelfTestResponse> => {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: port ?? 0 }).resume()
    socket.once('close', () => resolve({ outcome }))
  })
}

test('egress: every process refused, with the rules on, holds', async () => {
  const asked: string[] = []
  const { status, evidence } = await lookAtEgress((process, name) => {
    asked.push(`${process} ${name}`)
    return refused()
  })
  assert.equal(status, 'holds', evidence)
  assert.deepEqual(asked, ['gateway egress', 'custodian egress', 'dispatcher egress'])
})

for (const saboteur of ['gateway', 'custodian', 'dispatcher']) {
  test(`egress: a ${saboteur} that reports a connection, against the launcher's report, fails`, async () => {
    const { status, evidence } = await lookAtEgress((process) => (process === saboteur ? Promise.resolve({ outcome: 'connected' }) : refused()))
    assert.equal(status, 'fails', evidence)
    assert.match(evidence, new RegExp(saboteur))
  })
  test(`egress: a ${saboteur} that connects and denies it fails`, async () => {
    const { status, evidence } = await lookAtEgress((process, _name, { port }) => (process === saboteur ? connectsAndSays('refused')(port) : refused()))
    assert.equal(status, 'fails', evidence)
  })
}

test('egress: the rules off are partial, with the reason and what was seen', async () => {
  const off = { ...sound, report: { ...everything, egressRules: { status: 'off', reason: 'nft is not installed' } } }
  const { status, evidence } = await lookAtEgress((_process, _name, { port }) => connectsAndSays('connected')(port), off)
  assert.equal(status, 'partial')
  assert.match(evidence, /nft is not installed.*gateway connected/)
})

test('egress: no report, a process that does not try, or one that is away, is unchecked', async () => {
  assert.equal((await lookAtEgress(refused, { ...sound, report: undefined })).status, 'unchecked')
  assert.equal((await lookAtEgress(() => Promise.resolve({ outcome: 'not_attempted' }))).status, 'unchecked')
  assert.equal((await lookAtEgress(() => Promise.reject(new Error('ECONNREFUSED')))).status, 'unchecked')
})
