// fuzz-rules: libFuzzer writes rules (`Scripts/fuzz SECONDS rules-lexer` or `rules` builds and runs it). What must
// hold: words lie where their spots say, one behind the other; a text is refused with places that lie in it, or read,
// and then its listing is read again to the same listing, and is JSON where it is asked for.

import JSONText

@testable import Ruleset

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let text = unsafe String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
  #if LEXER
    checkWords(text)
  #else
    checkRules(text)
  #endif
  return 0
}

private func checkWords(_ text: String) {
  let tokens = Lexer.tokens(of: text, source: 0)
  let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  precondition(tokens.last?.kind == .end && tokens.dropLast().allSatisfy { $0.kind != .end })
  var last: (line: Int32, column: Int32) = (1, 0)
  for token in tokens {
    let spot = token.spot
    precondition(spot.line > last.line || spot.line == last.line && spot.first > last.column, "words overlap")
    precondition(spot.last >= spot.first && Int(spot.line) <= lines.count)
    precondition(Int(spot.last) <= lines[Int(spot.line) - 1].count + 1, "a word reaches beyond its line")
    last = (spot.line, spot.last)
    if token.kind == .number, let number = token.number { precondition(!token.text.isEmpty && number >= 0) }
  }
}

private func checkRules(_ text: String) {
  let reader = RulesetReader(ports: ["lo", "eth0", "eth1"]) { name in
    name == "again" ? [RulesetSource(name: name, text: "include \"again\"\ntable ip a { }\n")] : []
  }
  do throws(RulesetFaults) {
    let run = try reader.run(RulesetSource(name: "fuzz", text: text), on: Ruleset())
    var options = ListOptions()
    let listing = run.ruleset.listing(options)
    let again = try reader.run(RulesetSource(name: "listing", text: listing), on: Ruleset()).ruleset
    precondition(again.listing(options) == listing, "\(listing)\n\(again.listing(options))")
    var adopted = again
    adopted.adopt(from: run.ruleset)
    precondition(adopted.tables.map(\.handle).allSatisfy { $0 > 0 })
    options.json = true
    precondition((try? JSON(parsing: run.ruleset.listing(options), depth: 256)) != nil)
  } catch {
    precondition(!error.faults.isEmpty)
    // What is listed is valid; so what is wrong is wrong with what came in.
    for fault in error.faults {
      precondition(fault.place.file != "listing", "\(error)\n\(text)")
      precondition(fault.place.line >= 1 && fault.place.first >= 1 && fault.place.last >= fault.place.first)
      precondition(!fault.message.isEmpty && !fault.description.isEmpty)
    }
  }
}
