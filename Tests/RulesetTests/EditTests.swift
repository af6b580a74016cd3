import Ruleset
import Testing

/// Rules change by nft's verbs: all that a text says, or nothing.
struct EditTests {
  private var ruleset = Ruleset()

  private mutating func edit(_ text: String) throws(RulesetFaults) {
    ruleset = try RulesetReader().run(RulesetSource(name: "edit", text: text), on: ruleset).ruleset
  }

  private func output(_ text: String, _ options: ListOptions = ListOptions()) throws(RulesetFaults) -> String {
    try RulesetReader().run(RulesetSource(name: "edit", text: text), on: ruleset, options: options).output
  }

  private func why(_ text: String) -> String? {
    do throws(RulesetFaults) {
      _ = try RulesetReader().run(RulesetSource(name: "edit", text: text), on: ruleset)
      return nil
    } catch {
      return error.faults.first?.message
    }
  }

  /// The marks that a chain's rules set, in order.
  private var marks: [UInt128] {
    ruleset.tables[0].chains[0].rules.compactMap { rule in
      if case .set(.mark, .constant(let mark, _))? = rule.statements.first { mark } else { nil }
    }
  }

  private var handles: [UInt64] { ruleset.tables[0].chains[0].rules.map(\.handle) }

  private mutating func threeRules() throws {
    try edit("table ip t { chain c { meta mark set 1; meta mark set 2; meta mark set 3; }; }")
  }

  @Test mutating func `rules are added before, behind and instead of others`() throws {
    try threeRules()
    let (first, second) = (handles[0], handles[1])
    try edit("add rule ip t c meta mark set 4\ninsert rule ip t c meta mark set 5")
    #expect(marks == [5, 1, 2, 3, 4])
    try edit("add rule ip t c handle \(first) meta mark set 6\ninsert rule ip t c position \(second) meta mark set 7")
    #expect(marks == [5, 1, 6, 7, 2, 3, 4])
    try edit("add rule ip t c index 0 meta mark set 8\ninsert rule ip t c index 0 meta mark set 9")
    #expect(marks == [9, 5, 8, 1, 6, 7, 2, 3, 4])
    try edit("delete rule ip t c handle \(second)\nreplace rule ip t c handle \(first) meta mark set 10")
    #expect(marks == [9, 5, 8, 10, 6, 7, 3, 4])
    #expect(Set(handles).count == handles.count, "no two rules share a handle")
  }

  @Test mutating func `a rule in place of another counts from the beginning, and can be replaced again`() throws {
    try edit("table ip t { chain c { counter packets 5 bytes 6; }; }")
    guard case .counter(let before) = ruleset.tables[0].chains[0].rules[0].statements[0] else { return }
    let handle = handles[0]
    try edit("replace rule ip t c handle \(handle) counter")
    guard case .counter(let after) = ruleset.tables[0].chains[0].rules[0].statements[0] else { return }
    #expect(after.state != before.state && after.packets == 0)
    try edit("replace rule ip t c handle \(handle) accept\nadd rule ip t c drop")
    #expect(handles == [handle, handle + 1], "no handle was used up")
  }

  @Test mutating func `a text is done as a whole or not at all`() throws {
    try threeRules()
    let before = ruleset
    #expect(throws: RulesetFaults.self) { try edit("flush ruleset\nadd table ip u\nadd rule ip u nope accept") }
    #expect(ruleset == before)
  }

  /// W3.
  @Test mutating func `what is in use is not deleted`() throws {
    try edit(
      """
      table ip t {
        counter n { }
        limit l { rate 5/second; }
        ct timeout o { protocol tcp; policy = { established : 5 }; }
        set s { type ipv4_addr; }
        map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : jump d }; }
        chain c { ip saddr @s counter name n limit name l ct timeout set "o"; ip saddr vmap @m; }
        chain d { }
        chain e { jump f; }
        chain f { }
      }
      """)
    for word in [
      "counter ip t n", "limit ip t l", "ct timeout ip t o", "set ip t s", "map ip t m", "chain ip t d", "chain ip t f",
    ] {
      #expect(why("delete \(word)") == "Could not process rule: Device or resource busy", "\(word)")
      #expect(why("destroy \(word)") == "Could not process rule: Device or resource busy", "\(word)")
    }
    try edit("flush table ip t\ndelete map ip t m")
    for word in ["counter ip t n", "limit ip t l", "ct timeout ip t o", "set ip t s", "chain ip t d", "chain ip t f"] {
      try edit("delete \(word)")
    }
    #expect(ruleset.tables[0].chains.map(\.name) == ["c", "e"])
  }

  @Test mutating func `destroy is content with what is not there, delete is not`() throws {
    try threeRules()
    try edit("destroy table ip nope\ndestroy chain ip t nope\ndestroy set ip t nope\ndestroy rule ip t c handle 99")
    for word in ["table ip nope", "chain ip t nope", "set ip t nope", "rule ip t c handle 99", "counter ip t nope"] {
      #expect(why("delete \(word)")?.hasPrefix("Could not process rule: No such file or directory") == true, "\(word)")
    }
  }

  @Test mutating func `create refuses what is there, add does not mind`() throws {
    try threeRules()
    try edit("add table ip t\nadd chain ip t c")
    #expect(why("create table ip t") == "Could not process rule: File exists")
    #expect(why("create chain ip t c") == "Could not process rule: File exists")
  }

  @Test mutating func `a chain is renamed, and jumps lead to it still`() throws {
    try edit("table ip t { chain c { jump d; tcp dport vmap { 1 : goto d }; }; chain d { }; }")
    try edit("rename chain ip t d e")
    #expect(try output("list chain ip t c").contains("jump e\n\t\ttcp dport vmap { 1 : goto e }\n"))
  }

  @Test mutating func `elements come and go`() throws {
    try edit("table ip t { set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }; }")
    try edit("add element ip t s { 11.0.0.1, 12.0.0.0-12.0.0.9 }\ndelete element ip t s { 10.0.0.0/8 }")
    #expect(try output("list set ip t s").contains("elements = { 11.0.0.1,\n\t\t\t     12.0.0.0-12.0.0.9 }"))
    #expect(why("add element ip t s { 12.0.0.5 }") == "interval overlaps with an existing one")
    #expect(why("add element ip t s { 9.0.0.0-255.0.0.0 }") == "interval overlaps with an existing one")
    #expect(why("delete element ip t s { 12.0.0.5 }") == "element does not exist")
    try edit("flush set ip t s")
    #expect(ruleset.tables[0].sets[0].elements.isEmpty)
  }

  @Test mutating func `a listing with handles shows what to delete`() throws {
    try threeRules()
    var options = ListOptions()
    options.handles = true
    let listing = try output("list ruleset", options)
    #expect(
      listing.hasPrefix(
        "table ip t { # handle 1\n\tchain c { # handle 1\n\t\tmeta mark set 0x00000001 # handle \(handles[0])\n"))
  }

  @Test mutating func `a stateless listing shows nothing that was counted`() throws {
    try edit("table ip t { counter n { packets 5 bytes 6; }; chain c { counter packets 7 bytes 8; }; }")
    var options = ListOptions()
    options.stateless = true
    #expect(
      try output("list ruleset", options) == "table ip t {\n\tcounter n {\n\t}\n\n\tchain c {\n\t\tcounter\n\t}\n}\n")
  }

  @Test mutating func `reset shows what was counted and begins again`() throws {
    try edit(
      "table ip t { counter n { packets 5 bytes 6; }; chain c { counter packets 7 bytes 8 limit rate 5/second; }; }")
    let run = try RulesetReader().run(RulesetSource(name: "edit", text: "reset counters\nreset rules"), on: ruleset)
    #expect(run.output.contains("packets 5 bytes 6") && run.output.contains("counter packets 7 bytes 8"))
    #expect(run.resets.count == 3 && !run.resets.contains(0))
    #expect(run.ruleset.tables[0].counters[0].counter.packets == 0)
    #expect(!run.ruleset.listing().contains("packets 7"))
  }

  @Test mutating func `all that keeps a state has a number of its own`() throws {
    try edit(
      """
      table ip t {
        counter n { }
        limit l { rate 5/second; }
        set s { type ipv4_addr; flags dynamic; size 10; counter; elements = { 1.2.3.4, 1.2.3.5 }; }
        chain c { counter limit rate 5/second ct count 5; update @s { ip saddr counter }; }
      }
      """)
    let table = ruleset.tables[0]
    var numbers = [table.counters[0].counter.state, table.limits[0].limit.state, table.sets[0].state]
    func gather(_ statements: [Statement]) {
      for statement in statements {
        switch statement {
        case .counter(let counter): numbers.append(counter.state)
        case .limit(let limit): numbers.append(limit.state)
        case .connectionCount(let count): numbers.append(count.state)
        case .update(let update): gather(update.statements)
        default: break
        }
      }
    }
    for rule in table.chains[0].rules { gather(rule.statements) }
    for element in table.sets[0].elements { gather(element.statements) }
    #expect(numbers.count == 9 && Set(numbers).count == 9 && !numbers.contains(0))
    #expect(numbers.allSatisfy { $0 <= ruleset.lastState })
  }

  // MARK: Replacing a whole file

  @Test mutating func `what a new file leaves as it was keeps handles and counters`() throws {
    try edit(
      """
      table ip t {
        counter n { packets 5 bytes 6; }
        limit l { rate 5/second; }
        set s { type ipv4_addr; elements = { 1.2.3.4 }; }
        chain c { tcp dport 1 counter packets 7 bytes 8; tcp dport 2 counter; tcp dport 2 counter packets 1 bytes 1; }
      }
      """)
    let old = ruleset
    var new = try read(
      """
      table ip6 u { chain x { counter; }; }
      table ip t {
        limit l { rate 6/second; }
        counter n { }
        set s { type ipv4_addr; elements = { 5.6.7.8 }; }
        chain c { tcp dport 3 counter; tcp dport 2 counter; tcp dport 1 counter; }
      }
      """)
    new.adopt(from: old)
    let (before, after) = (old.tables[0], new.tables[1])
    #expect(after.handle == before.handle && after.chains[0].handle == before.chains[0].handle)
    #expect(after.counters == before.counters)
    #expect(after.sets[0].handle == before.sets[0].handle && after.sets[0].state == before.sets[0].state)
    #expect(after.sets[0].elements.map(\.key) == [Key(0x0506_0708)])
    #expect(after.limits[0].limit.state > old.lastState, "another rate is another limit")
    #expect(after.chains[0].rules[2] == before.chains[0].rules[0])
    #expect(after.chains[0].rules[1] == before.chains[0].rules[1])
    #expect(after.chains[0].rules[0].handle > before.lastHandle)
    #expect(new.tables[0].handle > old.lastTableHandle)
  }

  @Test mutating func `the same file again changes nothing`() throws {
    let text = Theme.tables.texts.first { $0.contains("table inet filter") } ?? ""
    let old = try read(text)
    var new = try read(text)
    new.adopt(from: old)
    #expect(new == old)
    #expect(old.tables[0].chains[0].rules.count > 4)
  }
}
