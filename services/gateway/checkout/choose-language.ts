import { languages, type Language } from './messages/messages.ts'

/** Of a list that names more languages than anybody speaks, the first ones. */
const rangesMax = 16

/**
 * The language of a page: what its address asks for where we have it, else the first that the browser prefers (RFC 9110
 * §12.5.4), else English. Nothing of either is ever written back.
 */
export function chooseLanguage(asked: string | null, acceptLanguage: string | undefined): Language {
  return languages.find((one) => one === asked) ?? preferred(acceptLanguage ?? '') ?? 'en'
}

function preferred(header: string): Language | undefined {
  const ranges = header.split(',', rangesMax).map((part, at) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const quality = parameters.find((text) => text.startsWith('q='))
    return { primary: range.split('-', 1)[0], quality: quality === undefined ? 1 : Number(quality.slice(2)), at }
  })
  const wanted = ranges.filter(({ quality }) => quality > 0 && quality <= 1).toSorted((a, b) => b.quality - a.quality || a.at - b.at)
  // ISO 639-2 has `lug` for what ISO 639-1 has `lg` for; browsers send either.
  const named = wanted.map(({ primary }) => languages.find((one) => one === (primary === 'lug' ? 'lg' : primary)))
  return named.find((one) => one !== undefined)
}
