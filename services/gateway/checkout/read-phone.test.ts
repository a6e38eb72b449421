import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phonePattern } from '@ngome/contracts'
import fc from 'fast-check'
import { chooseLanguage } from './choose-language.ts'
import { languages } from './messages/messages.ts'
import { messages } from './messages/say.ts'
import { readPhone } from './read-phone.ts'

const numbers: readonly (readonly [typed: string, callingCode: string, phone: string | undefined])[] = [
  ['0772 123 456', '256', '+256772123456'], ['772123456', '256', '+256772123456'], ['256772123456', '256', '+256772123456'],
  ['+256 772-123-456', '256', '+256772123456'], ['00256772123456', '256', '+256772123456'], ['+256 (0)772 123456', '256', '+256772123456'],
  [' 0772.123.456 ', '256', '+256772123456'], ['0772\u00A0123\u202F456', '256', '+256772123456'],
  ['07 12 34 56 78', '225', '+2250712345678'], ['+225 07 12 34 56 78', '225', '+2250712345678'], ['01 97 00 00 00', '229', '+2290197000000'],
  ['0733 123 499', '46', '+46733123499'], ['4673312345', '46', '+4673312345'],
  ['+254712345678', '256', undefined], ['00254712345678', '256', undefined], ['12', '256', undefined], ['', '256', undefined],
  ['0772 123 45x', '256', undefined], ['++256772123456', '256', undefined], ['256772123456'.repeat(4), '256', undefined],
  ['\u0660\u0667\u0667\u0662\u0661\u0662\u0663\u0664\u0665\u0666', '256', undefined],
]
for (const [typed, callingCode, phone] of numbers) {
  test(`${JSON.stringify(typed)} in +${callingCode} is ${phone ?? 'no number'}`, () => assert.equal(readPhone(typed, callingCode), phone))
}

test('whatever is typed is a number of the country in its one form, or none', () => {
  fc.assert(fc.property(fc.string({ maxLength: 50 }), fc.stringMatching(/^[1-9][0-9]{0,2}$/), (typed, callingCode) => {
    const phone = readPhone(typed, callingCode)
    assert.ok(phone === undefined || phonePattern.test(phone) && phone.startsWith(`+${callingCode}`))
    if (phone !== undefined) assert.equal(readPhone(phone, callingCode), phone)
  }))
})

const preferences: readonly (readonly [asked: string | null, header: string | undefined, language: string])[] = [
  [null, undefined, 'en'], [null, 'fr-CI,fr;q=0.9,en;q=0.8', 'fr'], [null, 'de-DE,sw;q=0.5,en;q=0.4', 'sw'], [null, 'lug-UG', 'lg'], [null, 'lg', 'lg'],
  [null, 'en;q=0.1,fr;q=0.9', 'fr'], [null, 'fr;q=0,sw', 'sw'], [null, '*', 'en'], ['fr', 'en', 'fr'], ['xx', 'sw', 'sw'], ['FR', 'en', 'en'],
  [null, ',;q=,'.repeat(80), 'en'], [null, `${'xx,'.repeat(40)}fr`, 'en'],
]
for (const [asked, header, language] of preferences) {
  test(`the page is in ${language} where ${String(asked)} is asked for and ${String(header).slice(0, 40)} preferred`, () => {
    assert.equal(chooseLanguage(asked, header), language)
  })
}

test('every language says everything, differently from English', () => {
  const said = (value: unknown, path: string): readonly (readonly [string, string])[] => {
    if (typeof value === 'string') return [[path, value]]
    if (typeof value === 'function') return [[path, String((value as (text: string) => string)('\u2021'))]]
    return Object.entries(value as object).flatMap(([key, one]) => said(one, `${path}.${key}`))
  }
  const english = new Map(said(messages.en, ''))
  assert.ok(english.size > 45)
  for (const language of languages) {
    const own = said(messages[language], '')
    assert.deepEqual(own.map(([path]) => path).sort(), [...english.keys()].sort(), language)
    for (const [path, text] of own) {
      assert.ok(text.trim() !== '' && !/[<>&]/.test(text), `${language}${path}`)
      assert.equal(text.includes('\u2021'), english.get(path)?.includes('\u2021'), `${language}${path} says what it is about`)
    }
    const same = own.filter(([path, text]) => english.get(path) === text).length
    assert.ok(language === 'en' || same === 0, `${language}: ${same} as in English`)
  }
})
