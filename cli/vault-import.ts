import { readFileSync } from 'node:fs'
import { parseApiKey } from '@ngome/access'
import { Secret } from '@ngome/kernel'
import { authorityPath } from '@ngome/runtime'
import { Ngome } from '@ngome/sdk'
import { exitCodes, Misuse, type Command } from './command.ts'
import { configOf } from './operator/load.ts'
import { importTokens } from './vault/import-tokens.ts'
import { ResultFile } from './vault/result-file.ts'

/** A gateway that is being replaced, or a platform that starts again, is back within this time. */
const patienceMs = 90_000

export const vaultImport: Command = {
  name: 'vault import',
  summary: 'Import values into a merchant\'s vault, a JSON object a line; what was interrupted goes on where it stopped.',
  operands: [{ name: 'file', about: 'lines such as {"type":"phone","value":"+256771234567"}', isRequired: true }],
  options: {
    key: { type: 'string', value: 'FILE', about: 'the file that holds the merchant\'s API key', isRequired: true },
    results: { type: 'string', value: 'FILE', about: 'where each line\'s token or refusal is written; FILE.results when left out' },
  },
  async run(context, { operands, options, isJson }) {
    const path = operands['file'] ?? ''
    const apiKey = readApiKey(String(options['key']))
    const config = configOf(context)
    const ngome = new Ngome({
      apiKey: apiKey.expose((key) => key), baseUrl: `https://localhost:${config.gateway.port}`, ca: readFileSync(authorityPath(config), 'utf8'),
      onWarning: (message) => context.err(message), timeoutMs: patienceMs, retriesMax: 20,
    })
    const results = await ResultFile.open(String(options['results'] ?? `${path}.results`))
    try {
      if (results.lineCount > 0) context.err(`${results.lineCount} lines were imported before`)
      const report = await importTokens({
        ngome, apiKey, path, results, onProgress: ({ lines, refused }) => context.err(`${lines} lines, ${refused} refused`),
      })
      if (isJson) context.out(JSON.stringify(report))
      else context.out(`${report.lines} lines are done: ${report.kept} kept and ${report.refused} refused by this run`)
      return report.refused === 0 ? exitCodes.done : exitCodes.failed
    } finally {
      await results.close()
      ngome.close()
    }
  },
}

/** From a file, so that the key stands in no list of processes and in no shell's history. */
function readApiKey(path: string): Secret<string> {
  const text = readFileSync(path, 'utf8').trim()
  if (parseApiKey(text) === undefined) throw new Misuse('the file of --key holds no API key')
  return new Secret(text)
}
