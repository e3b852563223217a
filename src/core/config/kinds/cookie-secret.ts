/** The secret of DNS cookies: 16 bytes in hexadecimal or base64, kept as hexadecimal. */
import { fail, ok } from '../../base/result.ts'
import { type Kind, kindOf } from './kind.ts'

const HEX = /^[0-9a-fA-F]{32}$/
const BASE64 = /^[A-Za-z0-9+/]{22}==$/
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** 22 digits of base64, 132 bits of which the last four are not used, as hexadecimal. */
function hexOfBase64(text: string): string {
  let hex = ''
  let bits = 0
  let held = 0
  for (const digit of text.slice(0, 22)) {
    held = (held << 6) | DIGITS.indexOf(digit)
    bits += 6
    for (; bits >= 4 && hex.length < 32; bits -= 4) hex += ((held >> (bits - 4)) & 15).toString(16)
    held &= 0xff
  }
  return hex
}

export const cookieSecret: Kind<string> = kindOf({
  name: 'cookie secret',
  allowed: '16 bytes, as 32 hexadecimal digits or in base64',
  json: { type: 'string' },
  read: (value) => {
    if (value === '' || HEX.test(value)) return ok(value.toLowerCase())
    if (BASE64.test(value)) return ok(hexOfBase64(value))
    return fail('is not 16 bytes in hexadecimal or base64; make one with: openssl rand -hex 16')
  },
})
