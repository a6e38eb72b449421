import type { Secret } from '@ngome/kernel'

/** Encodings within encodings that are looked through. */
const layersMax = 3
/** Below this many letters and digits, a text without its separators would match by chance. */
const squeezedLengthMin = 8

/**
 * Looks for the values once more, by other code than removed them: takes every encoding off the text that it knows, layer
 * by layer, and looks in each.
 */
export function holdsValue(text: string, values: Iterable<Secret<string>>): boolean {
  const views = new Set([text])
  for (let layer = 0, latest = [text]; layer < layersMax; layer++) {
    latest = latest.flatMap(decodings).filter((view) => view !== '' && !views.has(view))
    for (const view of latest) views.add(view)
  }
  const all = [...views].map((view) => view.toLowerCase())
  const squeezed = all.map(squeeze)
  return [...values].some((value) => value.expose((plain) => {
    const wanted = plain.toLowerCase()
    const short = squeeze(wanted)
    return all.some((view) => view.includes(wanted)) ||
      (short.length >= squeezedLengthMin && squeezed.some((view) => view.includes(short)))
  }))
}

function squeeze(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** What a reader might make of a text. */
function decodings(text: string): string[] {
  return [
    text.replaceAll(/\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\(["\\/])/gi, (_, long: string | undefined, short: string | undefined, plain: string | undefined) =>
      plain ?? String.fromCharCode(Number.parseInt(long ?? short ?? '0', 16))),
    text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8')),
    text.replaceAll(/&#(?:x([0-9a-f]{1,4})|([0-9]{1,5}));?/gi, (_, hex: string | undefined, decimal: string | undefined) =>
      String.fromCharCode(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))),
    runsOf(text, /(?:[0-9a-f]{2}[ :-]?){4,}/gi, (run) => Buffer.from(run.replaceAll(/[ :-]/g, ''), 'hex')),
    ...[0, 1, 2, 3].map((skip) => runsOf(text, /[A-Za-z0-9+/_-]{8,}/g, (run) => Buffer.from(run.slice(skip), 'base64'))),
  ]
}

function runsOf(text: string, pattern: RegExp, decode: (run: string) => Buffer): string {
  return (text.match(pattern) ?? []).map((run) => decode(run).toString('utf8')).join('\n')
}
