import { readFileSync } from 'node:fs'
import { authorityPath, judgeTls, observeTls, publicRoots, verdictOf, watchedEndpoints } from '@ngome/runtime'
import { findLastTlsChecks } from '@ngome/store'
import { exitCodes, type Command } from './command.ts'
import { withDatabase } from './operator/load.ts'

export const tlsCheck: Command = {
  name: 'tls check',
  summary: 'Look at each public address now, as a client sees it, beside the last look that was kept.',
  operands: [],
  options: {},
  async run(context, { isJson }) {
    const looks = await withDatabase(context, async (db, config) => {
      const { tls } = config.gateway
      const roots = publicRoots(tls, readFileSync(authorityPath(config), 'utf8'))
      return Promise.all(watchedEndpoints(tls).map(async ({ address, name, host, port }) => {
        const observed = await observeTls({ name, host, port }, roots, context.clock.nowMs())
        const [last] = await findLastTlsChecks(db, address, 1)
        const findings = judgeTls(observed, {
          nowMs: context.clock.nowMs(), previous: last?.observed ?? undefined, isRenewedByItself: tls.certificatePath === undefined,
          plannedRootChange: tls.plannedRootChange,
        })
        return { address, verdict: verdictOf(findings), findings, observed, lastKeptAt: last === undefined ? null : new Date(last.checkedAtMs).toISOString() }
      }))
    })
    if (isJson) context.out(JSON.stringify(looks))
    else {
      for (const { address, verdict, findings, observed, lastKeptAt } of looks) {
        context.out(`${address}  ${verdict}  ${observed.groups.join(', ')}  ends ${observed.chain[0]?.notAfter ?? 'unknown'}  last kept ${lastKeptAt ?? 'never'}`)
        for (const { code, detail } of findings) context.out(`  ${code}: ${detail}`)
      }
    }
    return looks.every(({ verdict }) => verdict === 'sound') ? exitCodes.done : exitCodes.failed
  },
}
