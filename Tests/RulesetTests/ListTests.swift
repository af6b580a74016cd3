import Ruleset
import Testing

/// `list` in its variants.
struct ListTests {
  private static let text = """
    table ip a {
      counter n { packets 1 bytes 2; }
      limit l { rate 5/second; }
      ct timeout o { protocol tcp; policy = { established : 5 }; }
      set s { type ipv4_addr; elements = { 1.2.3.4 }; }
      map m { type ipv4_addr : mark; }
      flowtable f { hook ingress priority 0; devices = { lo }; }
      chain c { type filter hook forward priority mangle; accept; }
    }
    table inet b {
      set s { type inet_service; }
      chain c { drop; }
    }
    """

  private func list(_ what: String, _ options: ListOptions = ListOptions()) throws -> String {
    let reader = RulesetReader(ports: ["lo"])
    return try reader.run(
      RulesetSource(name: "list", text: "list \(what)"), on: read(Self.text), options: options
    ).output
  }

  @Test func `tables are named, other things are listed within theirs`() throws {
    #expect(try list("tables") == "table ip a\ntable inet b\n")
    #expect(try list("tables inet") == "table inet b\n")
    #expect(
      try list("chains") == """
        table ip a {
        \tchain c {
        \t\ttype filter hook forward priority mangle; policy accept;
        \t}
        }
        table inet b {
        \tchain c {
        \t}
        }

        """)
    #expect(try list("sets inet") == "table inet b {\n\tset s {\n\t\ttype inet_service\n\t}\n}\n")
    #expect(try list("chain inet b c") == "table inet b {\n\tchain c {\n\t\tdrop\n\t}\n}\n")
  }

  @Test(arguments: [
    ("counters", "counter n {"), ("limits", "limit l {"), ("ct timeouts", "ct timeout o {"), ("sets", "set s {"),
    ("maps", "map m {"), ("flowtables", "flowtable f {"), ("counter ip a n", "counter n {"),
    ("limit ip a l", "limit l {"), ("set ip a s", "set s {"), ("map ip a m", "map m {"),
    ("flowtable ip a f", "flowtable f {"), ("counters table ip a", "counter n {"), ("table ip a", "chain c {"),
    ("ruleset ip", "table ip a {"),
  ]) func `what is asked for is in the list`(_ what: String, _ line: String) throws {
    #expect(try list(what).contains(line))
    var options = ListOptions()
    options.json = true
    let name = line.split(separator: " ").dropLast(what.contains("timeout") ? 2 : 0)[0]
    #expect(try list(what, options).contains("\"\(name)"))
  }

  @Test func `other families and terse lists show less`() throws {
    #expect(try !list("ruleset inet").contains("table ip a"))
    var options = ListOptions()
    options.terse = true
    #expect(try !list("ruleset", options).contains("1.2.3.4"))
  }

  @Test func `what is not there cannot be listed`() {
    for what in [
      "table ip nope", "chain ip a nope", "set ip a nope", "map ip a s", "counter ip a nope", "rules", "foo",
    ] {
      #expect(throws: RulesetFaults.self) { try list(what) }
    }
  }
}
