/** Whatever a terminal, or an eye, takes for more than text. */
const telling = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
/** The same, but the styles that our own lines have (`demo/stage.ts`). */
// eslint-disable-next-line no-control-regex
const styledOrTelling = /(\u001b\[(?:1|2|22|31|32|36|39)m)|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * A text as a terminal may show it: what merchants, their programs, networks or a thief of a database wrote cannot move the
 * cursor, set a title, hide or turn what stands beside it. Control and format characters become `\u001b`, as JSON writes
 * them, so that JSON stays the same JSON; line feeds and tabs stay.
 */
export function plainText(text: string): string {
  return text.replace(styledOrTelling, (character, style?: string) => (
    style ?? (character === '\n' || character === '\t' ? character : escaped(character))
  ))
}

/** The same for a record that is one line: none in it begins another, which would be a record that never was. */
export function plainLine(text: string): string {
  return text.replace(telling, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
}
