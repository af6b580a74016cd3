import Ruleset
import Testing

/// What is wrong is told as nft tells it: place, message, the line, carets below the words; all of a text at once.
struct FaultTests {
  private func faults(_ text: String, ports: [String]? = ["eth0", "eth1"]) -> String {
    do throws(RulesetFaults) {
      _ = try read(text, ports: ports)
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func `a value that is out of range is pointed at`() {
    #expect(
      faults("table ip t { chain c { tcp dport 70000; }; }") == """
        rules:1:34-38: Error: Service out of range
        table ip t { chain c { tcp dport 70000; }; }
                                         ^^^^^

        """)
  }

  /// Each is twice the one before it. (They were once multiplied out, whoever asked.)
  @Test(arguments: ["{ $aN, $aN }", "$aN | $aN", "$aN . $aN"])
  func `variables that double each other are refused in time`(_ form: String) {
    let definitions = (1...60).map { "define a\($0) = " + form.replacing("N", with: "\($0 - 1)") }
    let text = "define a0 = 1\n" + definitions.joined(separator: "\n")
    #expect(faults(text).contains("Error: Variables stand for more than 4000000 words"))
    #expect(faults("define a0 = { 1, 2 }\n" + definitions.prefix(9).joined(separator: "\n")) == "accepted")
  }

  @Test func `all faults of a text come in one pass, in order`() {
    let text = """
      table ip t {
        chain c {
          tcp dport foo accept
          ip saddr 1.2.3.4 accept
          ct state nwe drop
          jump nowhere
        }
      }
      """
    #expect(
      faults(text) == """
        rules:3:15-17: Error: Could not resolve service: Servname not supported for ai_socktype
            tcp dport foo accept
                      ^^^
        rules:5:14-16: Error: Could not parse conntrack state
            ct state nwe drop
                     ^^^
        rules:6:10-16: Error: Could not process rule: No such file or directory
            jump nowhere
                 ^^^^^^^

        """)
  }

  @Test func `faults of syntax come in one pass, and no others follow from them`() {
    let text = """
      table ip t {
        chain c {
          tcp dport ; accept
          limit rate 5/fortnight drop
          jump d
        }
        chain d { ip saddr 1.2.3.4 accept }
        set { type ipv4_addr; }
      }
      """
    #expect(
      faults(text) == """
        rules:3:15-15: Error: syntax error, unexpected semicolon
            tcp dport ; accept
                      ^
        rules:4:18-26: Error: syntax error, unexpected string
            limit rate 5/fortnight drop
                         ^^^^^^^^^
        rules:8:7-7: Error: syntax error, unexpected '{', expecting string
          set { type ipv4_addr; }
              ^

        """)
  }

  @Test func `a second place that takes part is underlined with tildes`() {
    #expect(
      faults("table ip t { chain c { accept drop; }; }") == """
        rules:1:31-34: Error: Statement after terminal statement has no effect
        table ip t { chain c { accept drop; }; }
                               ~~~~~~ ^^^^

        """)
    #expect(
      faults("table ip t { set s { type ipv4_addr; flags interval; elements = { 1.2.3.0/24, 1.2.3.4 }; }; }") == """
        rules:1:79-85: Error: conflicting intervals specified
        table ip t { set s { type ipv4_addr; flags interval; elements = { 1.2.3.0/24, 1.2.3.4 }; }; }
                                                                          ~~~~~~~~~~  ^^^^^^^

        """)
  }

  @Test func `carets stand right below words behind tabs`() {
    #expect(
      faults("table ip t {\n\tchain c {\n\t\ttcp dport foo\n\t}\n}\n").hasSuffix(
        "\n\t\ttcp dport foo\n\t\t          ^^^\n"))
  }

  /// W5: what does not exist is pointed at.
  @Test func `an unknown device or flow table is an error with its place`() {
    let text = """
      table ip x {
        flowtable w { hook ingress priority 0; devices = { eth0, eth7 }; }
        chain y {
          type filter hook forward priority 0;
          flow add @v
        }
      }
      """
    #expect(
      faults(text) == """
        rules:2:60-63: Error: Could not process rule: No such file or directory; did you mean port ‘eth0’?
          flowtable w { hook ingress priority 0; devices = { eth0, eth7 }; }
                                                                   ^^^^
        rules:5:5-15: Error: Could not process rule: No such file or directory
            flow add @v
            ^^^^^^^^^^^

        """)
    #expect(
      faults("table netdev t { chain c { type filter hook ingress device \"eht0\" priority 0; }; }").hasPrefix(
        "rules:1:60-65: Error: Could not process rule: No such file or directory"))
    #expect(
      faults("add rule ip nope c accept").hasPrefix(
        "rules:1:13-16: Error: Could not process rule: No such file or directory"))
    #expect(
      faults("table ip x { flowtable w { hook ingress priority 0; devices = { anything }; }; }", ports: nil)
        == "accepted")
  }

  @Test(arguments: [
    ("table ip t { chain c { ct count 4294967296; }; }", "To count so many connections"),
    ("table ip t { chain c { masquerade; }; }", "masquerade"), ("table ip t { chain c { log prefix \"x\"; }; }", "log"),
    ("table ip t { chain c { quota 5 mbytes; }; }", "quota"), ("table ip t { chain c { snat to 1.2.3.4; }; }", "snat"),
    ("table ip t { chain c { queue num 5; }; }", "queue"), ("table ip t { chain c { fib saddr oif 0; }; }", "fib"),
    ("table ip t { chain c { ct helper set \"ftp\"; }; }", "ct helper set"),
    ("table arp t { }", "The family arp"), ("table bridge t { }", "The family bridge"),
    ("table ip t { chain c { type nat hook prerouting priority 0; }; }", "The chain type nat"),
    ("table ip t { chain c { type filter hook input priority 0; }; }", "The hook input"),
    ("table ip t { chain c { ip saddr localhost; }; }", "The name of a host as an address"),
    ("table ip t { chain c { tcp dport { tcp, 22 }; }; }", "A word of another type as internet network service"),
    ("table netdev t { chain c { vlan type 8021q vlan id 5; }; }", "A second VLAN tag"),
    (
      "table ip t { set s { type ipv4_addr; elements = { * }; }; chain c { add @s { ip saddr }; }; }",
      "`*` in a set that packets change"
    ),
    (
      "table ip t { set s { type mark; }; chain c { add @s { mark counter } add @s { mark ct count 5 }; }; }",
      "To give the elements of a set different statements"
    ),
  ]) func `what is not there yet is said to be so`(_ text: String, _ what: String) {
    #expect(faults(text).contains("Error: \(what) is not supported yet\n"))
  }

  /// The kernel has no such set, and nft finds out when it makes it.
  @Test func `a set of intervals that packets change is at fault where it is declared`() {
    let text = "table ip t {\n set s { type ipv4_addr; flags interval; }\n chain c { add @s { ip saddr }; }\n}\n"
    #expect(faults(text).hasPrefix("rules:2:6-6: Error: Could not process rule: Operation not supported\n"))
  }

  @Test func `a fault within brackets leaves what is behind them alone`() {
    let text = "table ip t {\n chain c {\n  add @s { ip saddr quota 5 mbytes }\n  tcp dport foo bar\n }\n}\n"
    #expect(faults(text).split(separator: "\n").filter { $0.hasPrefix("rules:") }.count == 2)
  }

  @Test func `a near name is offered`() {
    let text = "table ip t { set ports { type inet_service; }; chain c { tcp dport @prots; }; }"
    #expect(faults(text).contains("No such file or directory; did you mean set ‘ports’?"))
  }

  @Test func `packets may not go in circles, and only fifteen jumps deep`() {
    #expect(
      faults(
        "table ip t {\n chain a { type filter hook forward priority 0; jump b; }\n chain b { jump c; }\n"
          + " chain c { jump b; }\n}\n"
      )
        == "rules:4:12-17: Error: Could not process rule: Too many links\n chain c { jump b; }\n           ^^^^^^\n")
    func chains(_ count: Int) -> String {
      let links = (1..<count).map { " chain c\($0) { jump c\($0 + 1); }\n" }.joined()
      return
        "table ip t {\n chain base { type filter hook forward priority 0; jump c1; }\n"
        + "\(links) chain c\(count) { accept; }\n}\n"
    }
    #expect(faults(chains(15)) == "accepted")
    #expect(faults(chains(16)).hasPrefix("rules:17:14-21: Error: Could not process rule: Too many links"))
  }

  @Test func `nesting has an end`() {
    let deep = "table ip t { chain c { meta mark set " + String(repeating: "(", count: 10_000) + "1"
    #expect(faults(deep).contains("Too deeply nested"))
    #expect(faults(String(repeating: "table ip t { ", count: 10_000)).contains("Error: "))
  }

  @Test func `a text that includes itself ends`() {
    let reader = RulesetReader { _ in [RulesetSource(name: "again", text: "include \"again\"\n")] }
    #expect(throws: RulesetFaults.self) {
      _ = try reader.run(RulesetSource(name: "rules", text: "include \"again\"\n"), on: Ruleset())
    }
  }

  @Test func `a fault in an included file names that file`() {
    let reader = RulesetReader { name in
      name == "part"
        ? [RulesetSource(name: "/etc/part", text: "# first\ntable ip t { chain c { tcp dport foo; }; }\n")] : []
    }
    do throws(RulesetFaults) {
      _ = try reader.run(RulesetSource(name: "rules", text: "include \"part\"\ntable ip u { }\n"), on: Ruleset())
      Issue.record("accepted")
    } catch {
      #expect(error.faults.map(\.place) == [Place(file: "/etc/part", line: 2, first: 34, last: 36)])
    }
  }
}
