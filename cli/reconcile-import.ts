import { startOfDayMs, type ReportPeriod } from '@ngome/payments'
import type { Config } from '@ngome/runtime'
import { importReport, type ReportFile } from '@ngome/store'
import { exitCodes, Misuse, type Command, type Context } from './command.ts'
import { withDatabase } from './operator/load.ts'
import { plainLine } from './plain-text.ts'
import { matchNetwork } from './reconcile/match-network.ts'
import { reportFormOf } from './reconcile/report-form.ts'
import { byOption, whoOf } from './reconcile/who.ts'
import { dayOf } from './statements-export.ts'

type Options = Readonly<Record<string, string | boolean | undefined>>
const dayMs = 86_400_000

export const reconcileImport: Command = {
  name: 'reconcile import',
  summary: 'Read a payment network\u2019s report, whole or not at all, and hold it against what we know. Exit code 1 where a row is none.',
  operands: [{ name: 'file', about: 'CSV, or camt.053 where the configuration says so', isRequired: true }],
  options: {
    network: { type: 'string', value: 'NAME', about: 'whose report it is, by its name in the configuration', isRequired: true },
    world: { type: 'string', value: 'WORLD', about: 'test or live, where you want to be sure: refused where the network is of the other' },
    from: { type: 'string', value: 'DAY', about: 'the first day that it covers; from its first row when left out' },
    to: { type: 'string', value: 'DAY', about: 'the last day that it covers, itself in it; to its last row when left out' },
    by: byOption,
  },
  async run(context, { operands, options, isJson }) {
    const by = whoOf(options['by'])
    const onProgress = (done: string, rows: number) => context.err(`${rows} rows ${done}`)
    return withDatabase(context, async (db, config) => {
      const file: ReportFile = { path: operands['file'] ?? '', by, ...fileOf(config, options) }
      const world = { db, clock: context.clock, random: context.random, onProgress }
      const outcome = await importReport(file, world)
      if (outcome.kind === 'refused') {
        if (isJson) context.out(JSON.stringify(outcome))
        for (const { line, column, problem } of outcome.problems) context.err(plainLine(`line ${line}, column ${column}: ${problem}`))
        context.err(`ngome: nothing was imported: ${outcome.problemCount} ${outcome.problemCount === 1 ? 'row is' : 'rows are'} not what it should be`)
        return exitCodes.failed
      }
      const found = await matchNetwork(world, file)
      if (isJson) context.out(JSON.stringify({ ...outcome, ...found }))
      else print(context, file.network, outcome, found)
      return exitCodes.done
    })
  },
}

function print(
  { out }: Context, network: string, outcome: { kind: string; report: string; movements: number; skipped: number; added: number } & ReportPeriod,
  found: { opened: number; asked: number },
): void {
  const { kind, report, movements, skipped, added, fromMs, toMs } = outcome
  out(kind === 'known' ? `this file is report ${report} of ${network}, imported before` : `report ${report} of ${network}: ${movements} movements, ${added} of them new, ${skipped} rows of something else`)
  out(`it covers ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`)
  out(`${found.opened} new differences; the network is asked about ${found.asked} payments now`)
}

function fileOf({ networks, ledger }: Config, options: Options): Pick<ReportFile, 'network' | 'world' | 'form' | 'rules' | 'period'> {
  const name = String(options['network'])
  const network = Object.hasOwn(networks, name) ? networks[name] : undefined
  if (network === undefined) throw new Misuse(`no network has this name: ${Object.keys(networks).join(', ')}`)
  const world = options['world'] ?? network.world
  if (world !== network.world) throw new Misuse(`${name} is of the world ${network.world}`)
  const timeZone = network.report?.timeZone ?? ledger.timeZone
  const period = periodOf(options, timeZone)
  return { network: name, world: network.world, form: reportFormOf(name, network), rules: { currency: network.currency, timeZone }, ...period === undefined ? {} : { period } }
}

function periodOf(options: Options, timeZone: string): ReportPeriod | undefined {
  const { from, to } = options
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw new Misuse('--from and --to go together')
  const fromMs = startOfDayMs(dayOf('--from', from), timeZone)
  const nextDay = new Date(Date.parse(`${dayOf('--to', to)}T00:00:00Z`) + dayMs).toISOString().slice(0, 10)
  const toMs = startOfDayMs(nextDay, timeZone)
  if (fromMs === undefined || toMs === undefined || fromMs >= toMs) throw new Misuse('--from is not after --to')
  return { fromMs, toMs }
}
