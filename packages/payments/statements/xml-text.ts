const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&apos;' }

// What no XML document may hold, even escaped (XML 1.0, §2.2 Char): C0 but tab and line ends, lone surrogates, U+FFFE and U+FFFF.
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** Writes text so that it is text in XML 1.0, in elements and attributes; a character that XML cannot hold becomes U+FFFD. */
export function xmlText(text: string): string {
  return text.toWellFormed().replaceAll(forbidden, '\ufffd').replaceAll(/[&<>"']/g, (character) => escapes[character] ?? character)
    // A parser would read a bare one as a line feed (§2.11).
    .replaceAll('\r', '&#13;')
}
