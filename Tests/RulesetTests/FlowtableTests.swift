import Ruleset
import Testing

/// W1, W2, W19, W30, W31: flow tables by rule text.
struct FlowtableTests {
  private static let ports = ["eth0", "eth1"]

  private static let onOneLine =
    "table ip x { flowtable w { hook ingress priority -100 devices = { eth0, eth1 }; } chain y { type filter hook "
    + "forward priority 0; policy accept; ip protocol tcp flow offload @w } }"

  private static let onSeveral = """
    table ip x {
      flowtable w {
        hook ingress priority -100
        devices = { eth0, eth1 };
      }
      chain y {
        type filter hook forward priority 0; policy accept;
        ip protocol tcp flow offload @w
      }
    }
    """

  private static let listed = """
    table ip x {
    \tflowtable w {
    \t\thook ingress priority -100
    \t\tdevices = { eth0, eth1 }
    \t}

    \tchain y {
    \t\ttype filter hook forward priority filter; policy accept;
    \t\tip protocol tcp flow add @w
    \t}
    }

    """

  /// W31.
  @Test(arguments: [onOneLine, onSeveral, onOneLine.replacing("flow offload", with: "flow add"), listed])
  func `the proposal's text loads as it stands, and is listed in the same sense`(_ text: String) throws {
    let ruleset = try read(text, ports: Self.ports)
    #expect(ruleset.listing() == Self.listed)
    let table = try #require(ruleset.tables.first)
    #expect(table.flowtables.map(\.devices) == [["eth0", "eth1"]] && table.flowtables[0].priority == -100)
    let chain = try #require(table.chains.first)
    #expect(chain.base?.hook == .forward && chain.base?.priority == 0 && chain.base?.drops == false)
    let transport = Expression.field(.payload(Payload(.network, offset: 72, length: 8)))
    #expect(chain.rules[0].statements == [.match(Match(transport, .equal, .value(Key(6)))), .offload(flowtable: "w")])
  }

  @Test(arguments: ["0s", "999ms", "2000001s", "50d", "1000d"])
  func `a timeout that deadlines have no room for is refused`(_ timeout: String) throws {
    let text = "table ip t { flowtable f { hook ingress priority 0; devices = { eth0 }; timeout \(timeout); } }"
    let refusal = #expect(throws: RulesetFaults.self) { try read(text, ports: Self.ports) }
    #expect(
      refusal?.description.contains("Error: A flow table's timeout is at least a second, at most 2000000 seconds")
        == true)
  }

  /// W4, W24, W25, W19.
  @Test(arguments: ["ip", "ip6", "inet"]) func `a flow table has a counter, hardware and a timeout of its own`(
    _ family: String
  ) throws {
    let text = """
      table \(family) t {
      \tflowtable f {
      \t\thook ingress priority filter + 5
      \t\tdevices = { eth0, "eth1" };
      \t\tflags offload
      \t\tcounter
      \t\ttimeout 1m30s;
      \t}
      }

      """
    let ruleset = try read(text, ports: Self.ports)
    let flowtable = try #require(ruleset.tables.first?.flowtables.first)
    #expect(flowtable.hasCounter && flowtable.isHardware && flowtable.timeout == 90 && flowtable.priority == 5)
    #expect(ruleset.listing().contains("\t\tflags offload\n\t\tcounter\n\t\ttimeout 1m30s\n"))
    #expect(try read(ruleset.listing(), ports: Self.ports) == ruleset)
  }

  /// W30: devices come and go; names with a star; destroy.
  @Test func `devices are added and removed`() throws {
    var ruleset = try read(
      "table ip t { flowtable f { hook ingress priority 0; devices = { eth0 }; }; }", ports: Self.ports)
    func devices() -> [String] { ruleset.tables[0].flowtables.first?.devices ?? [] }
    try edit(&ruleset, "add flowtable ip t f { hook ingress priority 0; devices = { eth1, \"wan*\" }; }")
    #expect(devices() == ["eth0", "eth1", "wan*"])
    try edit(&ruleset, "delete flowtable ip t f { hook ingress priority 0; devices = { eth0 }; }")
    #expect(devices() == ["eth1", "wan*"])
    #expect(throws: RulesetFaults.self) { try edit(&ruleset, "delete flowtable ip t f { devices = { eth0 }; }") }
    try edit(&ruleset, "destroy flowtable ip t f { devices = { eth0 }; }")
    #expect(try run("list flowtables", on: ruleset).output.contains("devices = { eth1, \"wan*\" }"))
    try edit(&ruleset, "destroy flowtable ip t f\ndestroy flowtable ip t f")
    #expect(ruleset.tables[0].flowtables.isEmpty)
  }

  /// W3: a flow table that a rule names stays.
  @Test func `a flow table in use is not deleted`() throws {
    var ruleset = try read(Self.onOneLine, ports: Self.ports)
    let busy = #expect(throws: RulesetFaults.self) { try edit(&ruleset, "delete flowtable ip x w") }
    #expect(busy?.faults.first?.message == "Could not process rule: Device or resource busy")
    let handle = ruleset.tables[0].flowtables[0].handle
    try edit(&ruleset, "flush chain ip x y\ndelete flowtable ip x handle \(handle)")
    #expect(ruleset.tables[0].flowtables.isEmpty)
  }

  private func run(_ text: String, on ruleset: Ruleset) throws(RulesetFaults) -> RulesetRun {
    try RulesetReader(ports: Self.ports).run(RulesetSource(name: "edit", text: text), on: ruleset)
  }

  private func edit(_ ruleset: inout Ruleset, _ text: String) throws(RulesetFaults) {
    ruleset = try run(text, on: ruleset).ruleset
  }
}
