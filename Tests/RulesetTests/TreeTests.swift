import Ruleset
import Testing

/// What rules become: fields by their places, constants as they lie on the wire, and what nft asks for by itself.
struct TreeTests {
  private func statements(_ rule: String, _ family: String = "inet") throws -> [Statement] {
    let hook = family == "netdev" ? "ingress device lo" : "forward"
    let text = "table \(family) t { chain c { type filter hook \(hook) priority 0; \(rule); }; }"
    return try read(text).tables[0].chains[0].rules[0].statements
  }

  private func implicit(_ field: Field, _ value: UInt128) -> Statement {
    .match(Match(.field(field), .equal, .value(Key(value)), isImplicit: true))
  }

  private func explicit(_ field: Field, _ relation: Match.Relation, _ key: Key) -> Statement {
    .match(Match(.field(field), relation, .value(key)))
  }

  private let transportType = Field.payload(Payload(.transport, offset: 0, length: 8))
  private let port = Field.payload(Payload(.transport, offset: 16, length: 16))
  private let address = Field.payload(Payload(.network, offset: 96, length: 32))

  @Test func `a field of a header asks for its protocol, once`() throws {
    #expect(
      try statements("tcp dport 22 tcp sport 1") == [
        implicit(.transport, 6), explicit(port, .equal, Key(22)),
        explicit(.payload(Payload(.transport, offset: 0, length: 16)), .equal, Key(1)),
      ])
    #expect(
      try statements("ip saddr 1.2.3.4 tcp dport 22") == [
        implicit(.networkFamily, 2), explicit(address, .equal, Key(0x0102_0304)), implicit(.transport, 6),
        explicit(port, .equal, Key(22)),
      ])
  }

  @Test func `each family asks in its own way`() throws {
    let match = explicit(address, .equal, Key(0x0102_0304))
    #expect(try statements("ip saddr 1.2.3.4", "ip") == [match])
    #expect(try statements("ip saddr 1.2.3.4", "inet") == [implicit(.networkFamily, 2), match])
    #expect(try statements("ip saddr 1.2.3.4", "netdev") == [implicit(.etherType, 0x0800), match])
    let vlan = try statements("vlan id 5 ip saddr 1.2.3.4", "netdev")
    #expect(
      vlan == [
        implicit(.payload(Payload(.link, offset: 96, length: 16)), 0x8100),
        explicit(.payload(Payload(.link, offset: 116, length: 12)), .equal, Key(5)),
        implicit(.payload(Payload(.link, offset: 128, length: 16)), 0x0800), match,
      ])
  }

  @Test func `what the rule has said is not asked for again`() throws {
    #expect(
      try statements("meta l4proto tcp tcp dport 22") == [
        explicit(.transport, .equal, Key(6)), explicit(port, .equal, Key(22)),
      ])
    #expect(
      try statements("ip protocol tcp tcp dport 22", "ip") == [
        explicit(.payload(Payload(.network, offset: 72, length: 8)), .equal, Key(6)),
        explicit(port, .equal, Key(22)),
      ])
    #expect(
      try statements("meta nfproto ipv4 ip saddr 1.2.3.4") == [
        explicit(.networkFamily, .equal, Key(2)), explicit(address, .equal, Key(0x0102_0304)),
      ])
  }

  @Test func `fields of ICMP ask for the messages that have them`() throws {
    let statements = try statements("icmp id 5 icmp sequence 6", "ip")
    #expect(statements.count == 4 && statements[0] == implicit(.transport, 1))
    guard case .match(let type) = statements[1], case .set(.anonymous(let set)) = type.right else {
      Issue.record("no set of types")
      return
    }
    #expect(type.isImplicit && type.left == .field(transportType) && set.elements.map(\.key) == [Key(0), Key(8)])
    #expect(
      try self.statements("icmp type echo-request icmp id 5", "ip").dropFirst() == [
        explicit(transportType, .equal, Key(8)),
        explicit(.payload(Payload(.transport, offset: 32, length: 16)), .equal, Key(5)),
      ])
  }

  @Test func `prefixes, ranges and names with a star are ranges`() throws {
    #expect(
      try statements("ip saddr 10.1.2.3/8", "ip") == [explicit(address, .equal, Key([0x0a00_0000...0x0aff_ffff]))])
    #expect(
      try statements("ip saddr != 10.0.0.1-10.0.0.9", "ip") == [
        explicit(address, .notEqual, Key([0x0a00_0001...0x0a00_0009]))
      ])
    let low = UInt128(0x6574_6800) << 96
    #expect(try statements("iifname \"eth*\"") == [explicit(.inputName, .equal, Key([low...(low | (1 << 104) - 1)]))])
    #expect(try statements("iifname \"eth\"") == [explicit(.inputName, .equal, Key(low))])
  }

  @Test func `flags match when some are set, equal when all are alike`() throws {
    let state = Field.connection(.state)
    #expect(try statements("ct state new,established") == [explicit(state, .anyBit, Key(10))])
    #expect(try statements("ct state == new") == [explicit(state, .equal, Key(8))])
    #expect(try statements("ct state != new,established") == [explicit(state, .notEqual, Key(10))])
    #expect(try statements("ct state ! new") == [explicit(state, .noBit, Key(8))])
    let flags = Expression.field(.payload(Payload(.transport, offset: 104, length: 8)))
    let masked = Statement.match(Match(.and(flags, .constant(18, .tcpFlags)), .equal, .value(Key(2))))
    #expect(try statements("tcp flags syn / syn,ack") == [implicit(.transport, 6), masked])
    #expect(try statements("tcp flags & (syn | ack) == syn") == [implicit(.transport, 6), masked])
  }

  /// What stands in front of the match counts IPv6 packets alone, as in the kernel.
  @Test func `the family of an extension header is asked before all else`() throws {
    let exists = explicit(.exists(.fragment), .equal, Key(1))
    let found = try statements("meta mark set 5 exthdr frag exists", "inet")
    #expect(found == [implicit(.networkFamily, 10), .set(.mark, .constant(5, .mark)), exists])
    #expect(try statements("meta mark set 5 ip6 saddr ::1", "inet").prefix(1) == [.set(.mark, .constant(5, .mark))])
    #expect(try statements("exthdr frag exists", "ip6") == [exists])
  }

  @Test func `operators bind as in nft`() throws {
    let mark = Expression.field(.mark)
    func constant(_ value: UInt128) -> Expression { .constant(value, .mark) }
    #expect(
      try statements("meta mark set meta mark & 0xff | 0x100 ^ 0x3") == [
        .set(.mark, .or(.and(mark, constant(0xff)), constant(0x103)))
      ])
    #expect(
      try statements("ct mark set ct mark << 8 & 0xff00") == [
        .set(.connectionMark, .and(.shiftLeft(.field(.connection(.mark)), 8), constant(0xff00)))
      ])
  }

  @Test func `what ct reads depends on the direction and the family`() throws {
    #expect(
      try statements("ct original saddr 1.2.3.4", "ip") == [
        explicit(.connection(.source4(.original)), .equal, Key(0x0102_0304))
      ])
    #expect(
      try statements("ct reply ip6 daddr ::1", "inet") == [explicit(.connection(.destination6(.reply)), .equal, Key(1))]
    )
    #expect(
      try statements("ct reply bytes > 5") == [explicit(.connection(.bytes(.reply)), .greater, Key(5))])
    #expect(try statements("ct expiration < 1m") == [explicit(.connection(.expiration), .less, Key(60_000))])
    #expect(try statements("ct label 3") == [explicit(.connection(.labels), .anyBit, Key(8))])
  }

  @Test func `a long row of rules and elements is read in its order`() throws {
    let rules = (1...3000).map { "meta mark set \($0)\n" }.joined()
    let table = try read("table ip t {\n chain c {\n\(rules) }\n}\n").tables[0]
    #expect(table.chains[0].rules.map(\.statements) == (1...3000).map { [.set(.mark, .constant($0, .mark))] })
    #expect(Set(table.chains[0].rules.map(\.handle)).count == 3000)
  }
}
