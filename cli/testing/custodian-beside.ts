import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemRandom } from '@ngome/kernel'
import { compiledBefore, freePorts } from '@ngome/testkit'

const main = resolve(import.meta.dirname, '..', '..', 'services', 'custodian', 'main.ts')
const startMsMax = 60_000

export type CustodianBeside = { readonly port: number; readonly enrolmentPort: number; close(): Promise<void> }

/** The custodian's own process on a data folder, with the key to enrol by where an operator's commands look for it. */
export async function startCustodianBeside(dataDir: string): Promise<CustodianBeside> {
  const [port = 0, enrolmentPort = 0] = await freePorts(2)
  const key = systemRandom.bytes(32)
  for (const name of ['custodian', 'launcher']) {
    mkdirSync(join(dataDir, name), { mode: 0o700 })
    writeFileSync(join(dataDir, name, 'enrolment.key'), key, { mode: 0o600 })
  }
  const { env } = compiledBefore()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...env, NGOME_CONFIG: '', NGOME_DATA: dataDir, NGOME_CUSTODIAN__PORT: String(port), NGOME_CUSTODIAN__ENROLMENT_PORT: String(enrolmentPort) },
  })
  const ended = once(child, 'exit').then(() => { throw new Error('the custodian ended before it was ready') })
  await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(startMsMax) }), ended])
  ended.catch(() => undefined)
  copyFileSync(join(dataDir, 'custodian', 'ca.pem'), join(dataDir, 'ca.pem'))
  return {
    port, enrolmentPort,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
