// Goal: a zone file is read as RFC 1035, 2308 and 3597 say, and every fault in it is told at once,
// where it is and in words. That the octets are right is for the comparison with BIND.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { formatRecord } from '../../../../src/core/zone/format.ts'
import { parseZoneFile } from '../../../../src/core/zone/zonefile.ts'

const read = (text: string, origin = 'example.com') =>
  parseZoneFile(text, { origin, file: 'example.zone', defaultTtlSeconds: 42 })

/** The records as text, or a thrown list of faults. */
function records(text: string, origin?: string): string[] {
  const parsed = read(text, origin)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value.records.map(formatRecord)
}

/** The faults as `line:column message`. */
function faults(text: string): string[] {
  const parsed = read(text)
  return parsed.ok ? [] : parsed.error.map((f) => `${f.line}:${f.column} ${f.message}`)
}

describe('owners, origins and TTLs', () => {
  test('an owner is relative to the origin, blank for the one before, or @', () => {
    expect(records('www A 192.0.2.1\n AAAA ::1\n@ NS ns\nx.example.com. A 192.0.2.2\n')).toEqual([
      'www.example.com. 42 IN A 192.0.2.1',
      'www.example.com. 42 IN AAAA ::1',
      'example.com. 42 IN NS ns.example.com.',
      'x.example.com. 42 IN A 192.0.2.2',
    ])
  })

  test('$ORIGIN changes what names are relative to, and is itself relative', () => {
    expect(records('$ORIGIN a\nx MX 1 y\n$ORIGIN b.example.com.\nz CNAME @')).toEqual([
      'x.a.example.com. 42 IN MX 1 y.a.example.com.',
      'z.b.example.com. 42 IN CNAME b.example.com.',
    ])
  })

  test('a TTL is its own, that of $TTL, the last one stated, or the default, in this order', () => {
    const text = 'a A 192.0.2.1\nb 7 A 192.0.2.1\nc A 192.0.2.1\n$TTL 1h30m\nd A 192.0.2.1'
    expect(records(text).map((line) => line.split(' ')[1])).toEqual(['42', '7', '7', '5400'])
  })

  test('TTL and class stand in either order, and units add up', () => {
    expect(records('a 1w2d IN A 192.0.2.1\nb in 1h1 A 192.0.2.1\nc CLASS1 0 A 192.0.2.1')).toEqual([
      'a.example.com. 777600 IN A 192.0.2.1',
      'b.example.com. 3601 IN A 192.0.2.1',
      'c.example.com. 0 IN A 192.0.2.1',
    ])
  })

  test('an owner may be spelt like a class, a type or a TTL', () => {
    expect(records('in IN A 192.0.2.1\na A 192.0.2.1\n300 A 192.0.2.1\n')).toEqual([
      'in.example.com. 42 IN A 192.0.2.1',
      'a.example.com. 42 IN A 192.0.2.1',
      '300.example.com. 42 IN A 192.0.2.1',
    ])
  })

  test('owners come out in lower case, data as written', () => {
    expect(records('WWW CNAME Other.Example.')).toEqual([
      'www.example.com. 42 IN CNAME Other.Example.',
    ])
  })

  test('the root zone can be read', () => {
    expect(records('com NS ns.nic', '')).toEqual(['com. 42 IN NS ns.nic.'])
  })
})

describe('lines, quotes, comments and parentheses', () => {
  test('parentheses join lines, and comments inside them end with the line', () => {
    expect(records('a MX ( 10 ; the first\n  mail ) ; done\nb A 192.0.2.1')).toEqual([
      'a.example.com. 42 IN MX 10 mail.example.com.',
      'b.example.com. 42 IN A 192.0.2.1',
    ])
  })

  test('a quoted string keeps blanks, semicolons and parentheses', () => {
    expect(records('a TXT "x; (y)" z\\;\\"')).toEqual(['a.example.com. 42 IN TXT "x; (y)" "z;\\""'])
  })

  test('CRLF line ends, a byte order mark and a missing last newline are all one zone', () => {
    expect(records('\ufeffa A 192.0.2.1\r\n\r\n  ; only a comment\r\n\tA 192.0.2.2')).toEqual([
      'a.example.com. 42 IN A 192.0.2.1',
      'a.example.com. 42 IN A 192.0.2.2',
    ])
  })

  test('text outside ASCII becomes UTF-8', () => {
    expect(records('a TXT "é😀"')).toEqual([
      'a.example.com. 42 IN TXT "\\195\\169\\240\\159\\152\\128"',
    ])
  })

  test('each record knows the line it starts at', () => {
    const parsed = read('; head\na A 192.0.2.1\n\nb TXT (\n x\n)\nc A 192.0.2.1')
    expect(parsed.ok && parsed.value.lines).toEqual([2, 4, 7])
  })
})

describe('the SOA', () => {
  const soa = '@ 1h SOA NS1 host\\.master 7 1d 2h 4w 5m'

  test('is apart from the records, its names canonical', () => {
    const parsed = read(soa)
    expect(parsed).toEqual({
      ok: true,
      value: {
        records: [],
        lines: [],
        soa: {
          primary: 'ns1.example.com',
          contact: 'host\\.master.example.com',
          serial: 7,
          refreshSeconds: 86_400,
          retrySeconds: 7_200,
          expireSeconds: 2_419_200,
          minimumSeconds: 300,
          ttlSeconds: 3_600,
        },
      },
    })
  })

  test('stands once, and at the apex', () => {
    expect(faults(`${soa}\n${soa}\nwww SOA a b 1 2 3 4 5`)).toEqual([
      '2:1 a second SOA; the first is on line 1',
      '3:1 the SOA belongs to the apex "example.com"',
    ])
  })
})

describe('faults', () => {
  test('all of them are told at once, each with its line and column', () => {
    const text = [
      'a A 192.0.2.256',
      'b MX mail',
      'c MX 70000 mail',
      'd BOGUS x',
      'e CH TXT x',
      'f.example.org. A 192.0.2.1',
      'g..h A 192.0.2.1',
      'i TXT "open',
      'j A 192.0.2.1 extra',
      '$INCLUDE other.zone',
      '$GENERATE 1-9 h$ A 192.0.2.$',
      '$WHAT x',
      '$TTL soon',
      '$ORIGIN',
      'k 3000000000 A 192.0.2.1',
      'l RRSIG x',
      'm A',
      'n )',
      'o DS 1 8 2 00',
      'p NS 192.0.2.1',
      'q',
      `${'x'.repeat(64)} A 192.0.2.1`,
      'r TXT say"so"',
      's TYPE999 raw',
      't A \\# 3 010203',
      'u ANY x',
      'fine A 192.0.2.1',
    ].join('\n')
    expect(faults(text)).toMatchInlineSnapshot(`
      [
        "1:5 A: "192.0.2.256" is not an IPv4 address",
        "2:6 MX: the preference "mail" is not a number from 0 to 65535",
        "3:6 MX: the preference "70000" is not a number from 0 to 65535",
        "4:3 "BOGUS" is not a record type",
        "5:3 class CH is not served, only IN is",
        "6:1 "f.example.org" is not in the zone "example.com"",
        "7:1 "g..h" has an empty label",
        "8:7 the quote is not closed on its line",
        "9:15 A: "extra" is too much",
        "10:1 $INCLUDE is not supported; write its records here",
        "11:1 $GENERATE is not supported; write its records here",
        "12:1 "$WHAT" is not a directive",
        "13:6 "soon" is not a TTL, as in 3600 or 1h30m",
        "14:8 $ORIGIN takes a value",
        "15:3 a TTL of 3000000000 is outside 0 to 2147483647 seconds",
        "16:3 RRSIG records are made when the zone is signed; leave them out",
        "17:4 A: the address is missing",
        "18:3 a closing parenthesis without an opening one",
        "19:6 DS: the digest has 1 octets, its type has 32",
        "20:6 NS: "192.0.2.1" is an address, but the name server is a name",
        "21:2 the record type is missing",
        "22:1 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" has a label longer than 63 octets",
        "23:10 a quote inside a word, or not closed; quote the whole word or write \\"",
        "24:11 TYPE999: the type has no text form here; write \\# LENGTH HEX (RFC 3597)",
        "25:10 A: the octets are not A data",
        "26:3 ANY is not a type of data that a zone can hold",
      ]
    `)
  })

  test('a parenthesis that is never closed is told where it was opened', () => {
    expect(faults('a A 192.0.2.1\nb TXT ( "x"\nc A 192.0.2.1\n')).toEqual([
      '2:7 the parenthesis is not closed',
    ])
  })

  test('a backslash does not take the end of its line along', () => {
    expect(faults('a TXT x\\\nb A 192.0.2.1\nc A')).toEqual([
      '1:7 TXT: "x\\\\" has a broken escape; write \\DDD with DDD up to 255',
      '3:4 A: the address is missing',
    ])
  })

  test('a first record without an owner is told', () => {
    expect(faults(' A 192.0.2.1')).toEqual(['1:2 the first record has no owner name'])
  })

  test('a file of nothing but faults stops at the limit', () => {
    expect(faults('what\n'.repeat(10_000))).toHaveLength(limits.zoneFileFaults.default)
  })

  test('a line that is too long is refused without being read', () => {
    const long = 'x'.repeat(limits.zoneFileLineChars.default)
    expect(faults(`a TXT ${long}\nb A 192.0.2.1\nc A`)).toEqual([
      `1:1 the line is longer than ${limits.zoneFileLineChars.default} characters`,
      '3:4 A: the address is missing',
    ])
  })

  test('an entry that gathers too many words is refused', () => {
    const words = '0 \n'.repeat(limits.zoneFileEntryTokens.default + 10)
    expect(faults(`a TXT (\n${words})\n`)).toEqual([
      expect.stringMatching(/more words than one entry may have/),
    ])
  })

  test('a zone name that is none is refused', () => {
    expect(read('a A 192.0.2.1', 'a..b').ok).toBe(false)
  })
})
