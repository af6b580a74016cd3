import JSONText
import Testing

struct ReadingTests {
  private func read(_ text: String) throws -> JSON { try JSON(parsing: text) }

  /// What reading ends with.
  private func failure(_ text: String, depth: Int = JSON.standardDepth) -> JSONError? {
    do throws(JSONError) {
      _ = try JSON(parsing: text, depth: depth)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("null", JSON.null), ("true", .truth(true)), ("false", .truth(false)), ("\"\"", .text("")), ("[]", .array([])),
    ("{}", .object([])), ("0", .unsigned(0)), ("7", .unsigned(7)), ("-1", .signed(-1)),
    ("18446744073709551615", .unsigned(.max)), ("-9223372036854775808", .signed(.min)), ("1.5", .real(1.5)),
    ("-0.0", .real(-0.0)), ("1e3", .real(1000)), ("1E+2", .real(100)), ("25e-1", .real(2.5)), ("1e-400", .real(0)),
    (" \t\r\n[ 1 , 2 ] \n", .array([.unsigned(1), .unsigned(2)])),
    (#"{"b":1,"a":{"c":[null]}}"#, .object([("b", .unsigned(1)), ("a", .object([("c", .array([.null]))]))])),
    (#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#, .text("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1f600}")),
    ("\"\u{1f600} \u{e9} \u{7f} \u{2028}\"", .text("\u{1f600} \u{e9} \u{7f} \u{2028}")), (#""\u0000""#, .text("\u{0}")),
    (#"{"":0}"#, .object([("", .unsigned(0))])),
  ])
  func `a text is read as what it says`(text: String, value: JSON) throws {
    #expect(try read(text) == value)
  }

  @Test func `minus zero keeps its sign`() throws {
    #expect(try read("-0").asDouble?.sign == .minus)
    #expect(try read("-0").asUInt64 == nil)
  }

  /// RFC 8259, to the letter: what many readers let pass is refused here, with the place and the reason.
  @Test(arguments: [
    ("", 0, JSONError.Cause.end), ("  ", 2, .end), ("[", 1, .end), ("{\"a\"", 4, .end), ("\"abc", 4, .end),
    ("tru", 3, .end), ("-", 1, .end), ("1.", 2, .end), ("1e", 2, .end), ("1e+", 3, .end), (#""\"#, 2, .end),
    (#""\u12"#, 5, .end), ("[1,]", 3, .unexpected(UInt8(ascii: "]"))), ("{,}", 1, .unexpected(UInt8(ascii: ","))),
    ("{\"a\":1,}", 7, .unexpected(UInt8(ascii: "}"))), ("{a:1}", 1, .unexpected(UInt8(ascii: "a"))),
    ("{'a':1}", 1, .unexpected(UInt8(ascii: "'"))), ("{\"a\" 1}", 5, .unexpected(UInt8(ascii: "1"))),
    ("[1 2]", 3, .unexpected(UInt8(ascii: "2"))), ("+1", 0, .unexpected(UInt8(ascii: "+"))),
    (".5", 0, .unexpected(UInt8(ascii: "."))), ("1.e1", 2, .unexpected(UInt8(ascii: "e"))),
    ("-a", 1, .unexpected(UInt8(ascii: "a"))), ("NaN", 0, .unexpected(UInt8(ascii: "N"))),
    ("True", 0, .unexpected(UInt8(ascii: "T"))), ("nulL", 3, .unexpected(UInt8(ascii: "L"))),
    ("01", 1, .trailing), ("-01", 2, .trailing), ("1 2", 2, .trailing), ("{}]", 2, .trailing), ("0x1", 1, .trailing),
    ("[1]// done", 3, .trailing), ("\u{feff}1", 0, .unexpected(0xef)), ("\u{a0}1", 0, .unexpected(0xc2)),
    ("\"a\nb\"", 2, .control), ("\"\u{0}\"", 1, .control), ("\"\\n\u{1f}\"", 3, .control), (#""\x""#, 2, .escape),
    (#""\u00g0""#, 5, .escape), (#""\U0041""#, 2, .escape), (#""\ud800""#, 1, .surrogate),
    (#""\udc00""#, 1, .surrogate),
    (#""\ud800\u0041""#, 1, .surrogate), (#""\ud800x""#, 1, .surrogate), (#""\ud83d\ud83d""#, 1, .surrogate),
    (#""\ud83d\n""#, 1, .surrogate),
  ])
  func `what is no JSON is refused, with the place`(text: String, position: Int, cause: JSONError.Cause) {
    #expect(failure(text) == JSONError(position: position, cause: cause))
  }

  /// No bit of a whole number is lost without a word.
  @Test(arguments: [
    "18446744073709551616", "-9223372036854775809", "100000000000000000000", "1e400", "-1e309",
    "[1,99999999999999999999]",
  ])
  func `a number that would be rounded away is refused`(text: String) {
    #expect(failure(text)?.cause == .range)
  }

  @Test(
    arguments: [
      [0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82],
    ] as [[UInt8]])
  func `a string that is no UTF-8 is refused, with the place`(bytes: [UInt8]) {
    for (prefix, escape) in [("\"a", ""), ("\"\\na", "")] {
      let text = Array(prefix.utf8) + bytes + Array("\(escape)\"".utf8)
      #expect(throws: JSONError(position: prefix.utf8.count, cause: .utf8)) { try JSON(parsing: text.span) }
    }
  }

  /// Two readers that believe different members could be led to different answers.
  @Test func `a name that comes twice is refused, among few members and many`() {
    #expect(failure(#"{"a":1,"a":2}"#) == JSONError(position: 7, cause: .duplicate))
    #expect(failure(#"{"a":1,"\u0061":2}"#)?.cause == .duplicate)
    for count in 1...40 {
      let members = (0..<count).map { "\"\($0)\":0" }
      #expect(failure("{\(members.joined(separator: ","))}") == nil)
      for again in 0..<count {
        let text = "{\((members + ["\"\(again)\":0"]).joined(separator: ","))}"
        #expect(failure(text)?.cause == .duplicate, "\(again) again after \(count)")
      }
    }
    // In another object it is another member.
    #expect(failure(#"{"a":{"a":1},"b":{"a":2}}"#) == nil)
  }

  /// The Kelvin sign is a K to Unicode, and another name to JSON.
  @Test func `names are told apart by their bytes`() throws {
    let value = try read("{\"\u{212a}\":1,\"K\":2,\"e\u{301}\":3,\"\u{e9}\":4}")
    #expect(value["K"] == .unsigned(2))
    #expect(value["\u{212a}"] == .unsigned(1))
    #expect(value["\u{e9}"] == .unsigned(4))
  }

  @Test func `nesting ends at the limit`() {
    for depth in [1, 2, 32, 512] {
      for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let innermost = open == "[" ? "" : "0"
        func nested(_ levels: Int) -> String {
          String(repeating: open, count: levels) + innermost + String(repeating: close, count: levels)
        }
        #expect(failure(nested(depth), depth: depth) == nil)
        #expect(failure(nested(depth + 1), depth: depth)?.cause == .depth(depth))
      }
    }
    // Whatever is asked for, the stack is not endless.
    #expect(failure(String(repeating: "[", count: 1_000_000), depth: .max)?.cause == .depth(512))
    #expect(failure("[]", depth: 0)?.cause == .depth(0))
    #expect(failure("1", depth: 0) == nil)
  }

  @Test func `an object of a hundred thousand members and a number of a million digits are read in time`() throws {
    let members = (0..<100_000).map { "\"\($0)\":0" }
    #expect(try read("{\(members.joined(separator: ","))}").asObject?.count == 100_000)
    let digits = String(repeating: "3", count: 1_000_000)
    #expect(try read("0.\(digits)").asDouble == 1.0 / 3)
    #expect(failure(digits)?.cause == .range)
    #expect(failure("1\(digits)e-1000000") == nil)
  }

  @Test func `a value is asked for what it is`() throws {
    let value = try read(
      #"{"zone":7,"mark":-1,"big":18446744073709551615,"rate":0.5,"on":true,"none":null,"all":["x"]}"#)
    #expect(value["zone"]?.asUInt64 == 7)
    #expect(value["zone"]?.asWhole(UInt8.self) == 7)
    #expect(value["mark"]?.asInt64 == -1)
    #expect(value["mark"]?.asUInt64 == nil)
    #expect(value["big"]?.asUInt64 == .max)
    #expect(value["big"]?.asInt64 == nil)
    #expect(value["big"]?.asWhole(UInt16.self) == nil)
    #expect(value["rate"]?.asDouble == 0.5)
    #expect(value["rate"]?.asUInt64 == nil)
    #expect(value["zone"]?.asDouble == 7)
    #expect(value["on"]?.asBool == true)
    #expect(value["on"]?.asUInt64 == nil)
    #expect(value["none"]?.isNull == true)
    #expect(value["all"]?.asArray == [.text("x")])
    #expect(value["all"]?.asArray?.first?.asText == "x")
    #expect(value["missing"] == nil)
    #expect(value["all"]?["x"] == nil)
  }

  @Test func `an error says where and why`() {
    #expect(failure("[1,}")?.description == "unexpected '}' at byte 3")
    #expect(failure("\u{7}")?.description == "unexpected byte 0x7 at byte 0")
    #expect(failure("[[[", depth: 2)?.description == "nested deeper than 2 at byte 2")
  }
}
