import { join } from 'node:path'
import { processFolder } from '@ngome/runtime'
import {
  explain, judge, keepResults, probes, readCatalog, readResults, runProbes, table, type Control, type ProbeResult, type Row,
} from '@ngome/verify'
import { exitCodes, Misuse, type Command, type Context, type ExitCode } from './command.ts'
import { configOf } from './operator/load.ts'
import { openTarget } from './verify/open-target.ts'

export const verify: Command = {
  name: 'verify',
  summary: 'Probe the running platform for every promise. Exit code 1 where one fails.',
  operands: [],
  options: {
    strict: { type: 'boolean', about: 'exit code 1 also where a promise is unchecked' },
    explain: { type: 'string', value: 'ID', about: 'say where the code of a promise is and what its probes do, and probe nothing' },
    stored: { type: 'boolean', about: 'judge by the last results, as far as they are not too old, and probe nothing' },
  },
  async run(context, { options, isJson }) {
    const catalog = readCatalog(join(context.root, 'controls'))
    if (typeof options['explain'] === 'string') return tellExplanation(context, catalog, options['explain'])
    const path = join(processFolder(configOf(context), 'operator'), 'verify.json')
    const results = options['stored'] === true ? readResults(path) : await look(context, path, isJson)
    const rows = judge(catalog, results, context.clock.nowMs())
    context.out(isJson ? JSON.stringify(rows, null, 2) : table(rows))
    return exitCodeOf(rows, options['strict'] === true)
  },
}

async function look(context: Context, path: string, isQuiet: boolean): Promise<readonly ProbeResult[]> {
  const opened = openTarget(configOf(context), context)
  try {
    const results = await runProbes(probes, opened.target, context.clock, ({ probe, status }) => {
      if (!isQuiet) context.err(`${probe}: ${status}`)
    })
    keepResults(path, results)
    return results
  } finally {
    await opened.close()
  }
}

function tellExplanation({ out, root }: Context, catalog: readonly Control[], given: string): ExitCode {
  const control = catalog.find(({ id }) => id === given.toUpperCase())
  if (control === undefined) throw new Misuse(`there is no promise "${given}"; the ids are K1 to K11 and R1 to R57`)
  out(explain(control, probes, root))
  return exitCodes.done
}

function exitCodeOf(rows: readonly Row[], isStrict: boolean): ExitCode {
  const isBad = ({ status }: Row): boolean => status === 'fails' || (isStrict && status === 'unchecked')
  return rows.some(isBad) ? exitCodes.failed : exitCodes.done
}
