import Conntrack

/// Several refusals of one value, each with what it adds to the key's path.
struct Refusals: Error {
  var list: [(part: String, reason: Refusal)]
}

/// What a zone can say: the keys of a `[[conntrack.zone]]` table, and of the compact form.
private struct ZoneKey: Sendable {
  let name: String
  let store: @Sendable (inout ZoneSettings, Written) throws -> Void

  init(_ name: String, store: @escaping @Sendable (inout ZoneSettings, Written) throws -> Void) {
    self.name = name
    self.store = store
  }

  static let all: [ZoneKey] =
    [
      ZoneKey("id") { $0.id = UInt16(try $1.integer(in: 0...65535)) },
      ZoneKey("ports") { $0.ports = try $1.numbers(in: 0...65535, of: "ports") },
      ZoneKey("vlan") { $0.vlans = try $1.numbers(in: 0...4094, of: "VLAN ids") },
      ZoneKey("direction") { $0.sides = try $1.choice() },
      ZoneKey("limit") { $0.limit = try $1.integer(in: 1...1 << 32) },
      ZoneKey("asymmetric") { $0.policy.isAsymmetric = try $1.toggle() },
      ZoneKey("tcp-loose") { $0.policy.tcpLoose = try $1.toggle() },
      ZoneKey("tcp-liberal") { $0.policy.tcpLiberal = try $1.toggle() },
      ZoneKey("tcp-max-retrans") { $0.policy.tcpMaxRetransmissions = try $1.integer(in: 0...255) },
      ZoneKey("tcp-ignore-invalid-rst") { $0.policy.tcpIgnoresInvalidReset = try $1.toggle() },
    ]
    + Timeout.allCases.map { timeout in
      ZoneKey(timeout.key) { $0.policy.timeouts[timeout] = try $1.timeout() }
    }
}

extension Written {
  /// Tables `{ id = 7, ports = "0,1", limit = 1000 }`, or as one text `7:ports=0+1,limit=1000;8:vlan=100,asymmetric`. No
  /// zone is there twice, and no packet is claimed by two as urgently.
  func zones() throws -> [ZoneSettings] {
    let tables =
      switch self {
      case .tables(let tables): tables
      case .word(let text), .text(let text): try Written.zoneTables(text)
      default: throw refusal(expected: Self.zonesExpected)
      }
    var zones: [ZoneSettings] = []
    var ids: Set<UInt16> = []
    var refusals = Refusals(list: [])
    for (index, table) in tables.enumerated() {
      func refuse(_ key: String?, _ reason: Refusal) {
        refusals.list.append(("[\(index)]" + (key.map { ".\($0)" } ?? ""), reason))
      }
      var zone = ZoneSettings(id: 0)
      for (name, value) in table {
        guard let key = ZoneKey.all.first(where: { $0.name == name }) else {
          let near = ZoneKey.all.nearest(to: name) { [$0.name] }
          refuse(name, Refusal("unknown key" + (near.map { "; did you mean \($0.name)?" } ?? "")))
          continue
        }
        do {
          try key.store(&zone, value)
          if name == "id", !ids.insert(zone.id).inserted { refuse("id", Refusal("zone \(zone.id) is there twice")) }
        } catch {
          refuse(name, error as? Refusal ?? Refusal("\(error)"))
        }
      }
      if !table.contains(where: { $0.key == "id" }) { refuse(nil, Refusal("a zone has an id")) }
      let claims = Set(zone.claims)
      if let other = zones.first(where: { !claims.isDisjoint(with: $0.claims) }) {
        refuse(nil, Refusal("zone \(other.id) claims the same packets"))
      }
      zones.append(zone)
    }
    guard refusals.list.isEmpty else { throw refusals }
    return zones.sorted { $0.id < $1.id }
  }

  private static let zonesExpected = "zones such as \"7:ports=0+1,limit=1000;8:vlan=100,asymmetric\""

  /// The compact form as tables: a key without a value is switched on.
  private static func zoneTables(_ text: String) throws -> [[(key: String, value: Written)]] {
    try text.items(between: ";").map { item in
      let sides = item.items(between: ":")
      guard sides.count <= 2, !sides[0].isEmpty else { throw Written.text(text).refusal(expected: zonesExpected) }
      let settings = sides.count == 2 ? sides[1].items(between: ",") : []
      return [("id", .word(sides[0]))]
        + settings.map { setting in
          let parts = setting.items(between: "=")
          return (parts[0], .word(parts.count == 1 ? "on" : parts.dropFirst().joined(separator: "=")))
        }
    }
  }
}
