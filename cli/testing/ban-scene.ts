import { readFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBanHelper } from '../launcher/ban-helper.ts'
import { banRules } from '../launcher/ban-rules.ts'
import { findProgram } from '../launcher/find-program.ts'
import { KnownProcesses } from '../launcher/known-processes.ts'
import { LogFile } from '../launcher/log-file.ts'
import { machineFacts } from '../launcher/machine-facts.ts'
import { applyEgressRules } from '../launcher/nftables.ts'
import { runProgram } from '../launcher/run-program.ts'

/** A program for a network namespace of its own: a server, visitors from several addresses, and the helper as it runs. */
const [folder = '', root = ''] = process.argv.slice(2)
const [nft = '', ip = ''] = ['nft', 'ip'].map((name) => findProgram(name) ?? '')
const table = 'ngome_scene_bans'
const uid = 1_900_000_100

await runProgram([ip, 'link', 'set', 'lo', 'up'])
for (const host of ['1', '2', '3', '9']) await runProgram([ip, 'addr', 'add', `198.51.100.${host}/32`, 'dev', 'lo'])
for (const host of ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:2::1', '2001:db8:9::9']) {
  await runProgram([ip, '-6', 'addr', 'add', `${host}/128`, 'dev', 'lo', 'nodad'])
}
const server = createServer((socket) => socket.destroy())
const other = createServer((socket) => socket.destroy())
for (const each of [server, other]) await new Promise<void>((resolve) => each.listen(0, '::', resolve))
const portOf = (each: typeof server): number => (each.address() as AddressInfo).port
await applyEgressRules(nft, banRules(table, portOf(server)))
const helper = startBanHelper({
  root, nft, table, uid, never: ['198.51.100.3/32'], facts: await machineFacts({ root, dataDir: folder, uid: undefined, rules: undefined }),
  known: new KnownProcesses(join(folder, 'processes.json')), log: new LogFile(join(folder, 'ban-helper.log')),
})

function visit(from: string, port = portOf(server)): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: from.includes(':') ? '2001:db8:9::9' : '198.51.100.9', port, localAddress: from, timeout: 700 })
    const end = (what: string): void => {
      socket.destroy()
      resolve(what)
    }
    socket.on('connect', () => end('open')).on('error', (error: NodeJS.ErrnoException) => end(error.code ?? '')).on('timeout', () => end('silence'))
  })
}

async function untilVisit(from: string, expected: string): Promise<string> {
  for (let tries = 0; tries < 60; tries++) {
    if (await visit(from) === expected) return expected
    await sleep(100)
  }
  return `never ${expected}`
}

const seen: Record<string, string> = {}
seen['before'] = await visit('198.51.100.1')
helper.pipe?.write('flush ruleset\n0.0.0.0/0 60\n198.51.100.1/32 600\n198.51.100.3/32 600\n127.0.0.1/32 600\n2001:db8:1:0::/64 4\n')
seen['banned'] = await untilVisit('198.51.100.1', 'silence')
seen['another port'] = await visit('198.51.100.1', portOf(other))
seen['a neighbour'] = await visit('198.51.100.2')
seen['never banned'] = await visit('198.51.100.3')
seen['its /64'] = await visit('2001:db8:1::2')
seen['another /64'] = await visit('2001:db8:2::1')
seen['after its end'] = await untilVisit('2001:db8:1::1', 'open')
helper.pipe?.write('198.51.100.1/32 0\n')
seen['pardoned'] = await untilVisit('198.51.100.1', 'open')
const [{ pid }] = JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8')) as [{ pid: number }]
const restarted = new Promise<void>((resolve) => helper.onRestart((pipe) => pipe.write('198.51.100.2/32 600\n', () => resolve())))
process.kill(pid, 'SIGKILL')
await restarted
seen['by a helper that was started again'] = await untilVisit('198.51.100.2', 'silence')
await helper.stop()
process.stdout.write(JSON.stringify(seen))
process.exit(0)
