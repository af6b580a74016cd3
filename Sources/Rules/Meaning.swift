internal import Primitives
internal import Ruleset

// What the interpreter and the compiler both go by.

/// `Wire` has a `Field` of its own.
typealias PacketField = Field

extension Interval {
  /// An element's timeout; 146 years at most, so that the clock never has room for too little.
  static func timeout(milliseconds: UInt64) -> Interval { .nanoseconds(min(milliseconds, 1 << 42) * 1_000_000) }
}

/// How deep jumps go: a base chain is one of the NFT_JUMP_STACK_SIZE chains in a row.
let jumpDepth = 15

extension BaseChain {
  /// Where its packets meet it.
  var ruleHook: RuleHook {
    switch hook {
    case .ingress: .ingress
    // Connections are known from -200 on: NF_IP_PRI_CONNTRACK.
    case .prerouting: priority < -200 ? .raw : .prerouting
    case .forward: .forward
    case .postrouting: .postrouting
    }
  }
}

extension Array {
  /// By priority; of two with the same the later one is first, as the kernel's nf_hook_entries_grow has it.
  func inHookOrder(_ base: (Element) -> BaseChain) -> [Element] {
    enumerated().sorted { a, b in
      (base(a.element).priority, -a.offset) < (base(b.element).priority, -b.offset)
    }.map(\.element)
  }
}

extension [String] {
  /// Whether the port's name is what a rule file calls it; a trailing `*` stands for any rest.
  func name(_ port: UInt16, matches pattern: String) -> Bool {
    guard Int(port) < count else { return false }
    return pattern.hasSuffix("*") ? self[Int(port)].hasPrefix(pattern.dropLast()) : self[Int(port)] == pattern
  }

  /// An interface's name as rules compare it: 16 bytes, padded with zeros; nothing but zeros where there is no port.
  func paddedName(_ port: UInt16) -> UInt128 {
    guard Int(port) < count else { return 0 }
    let bytes = self[Int(port)].utf8.prefix(15)
    return bytes.reduce(0) { $0 << 8 | UInt128($1) } << UInt128(8 * (16 - bytes.count))
  }
}

/// A limit in nanoseconds, as nft_limit counts: the bucket holds `most`, a packet takes `cost`.
struct LimitArithmetic {
  var most: Int64
  var unit: UInt64
  var rate: UInt64
  var countsBytes: Bool

  init(_ limit: Limit) {
    unit = 1_000_000_000 * limit.unit.seconds
    rate = Swift.max(limit.rate, 1)
    countsBytes = limit.countsBytes
    let wide =
      limit.countsBytes
      ? UInt128(unit) * (UInt128(rate) + UInt128(limit.burst)) / UInt128(rate)
      : UInt128(unit / rate) * UInt128(limit.burst == 0 ? 5 : limit.burst)
    most = Int64(Swift.min(wide, UInt128(Int64.max / 4)))
  }

  func cost(bytes: Int) -> Int64 {
    countsBytes
      ? Int64(Swift.min(UInt128(unit) * UInt128(bytes) / UInt128(rate), UInt128(Int64.max / 4))) : Int64(unit / rate)
  }
}

extension Field {
  /// How many bits its values have.
  var bits: Int {
    switch self {
    case .inputName, .outputName: 128
    case .inputIndex, .outputIndex, .mark, .length: 32
    case .etherType: 16
    case .networkFamily, .transport, .packetType, .exists, .tcpOptionExists: 8
    case .payload(let payload), .extensionField(_, let payload): Int(payload.length)
    case .tcpOption(_, _, let length): Int(length)
    case .connection(let field):
      switch field {
      case .state, .status, .mark, .id, .source4, .destination4: 32
      case .direction, .networkFamily, .transport: 8
      case .expiration, .packets, .bytes, .averageLength: 64
      case .labels, .source6, .destination6: 128
      case .zone, .sourcePort, .destinationPort: 16
      }
    }
  }
}

extension Expression {
  /// How many bits the kernel's register holds of a value with one part: whole bytes.
  var registerBits: Int {
    let bits =
      switch self {
      case .field(let field): field.bits
      case .constant(_, let type): type.bits
      case .and(let a, let b), .or(let a, let b), .xor(let a, let b): max(a.registerBits, b.registerBits)
      case .shiftLeft(let a, _), .shiftRight(let a, _): a.registerBits
      case .concatenation(let parts): parts.first?.registerBits ?? 128
      case .map: 128
      }
    return min((bits + 7) / 8 * 8, 128)
  }

  /// The parts of a key.
  var parts: [Expression] {
    if case .concatenation(let parts) = self { parts.flatMap(\.parts) } else { [self] }
  }
}

/// `1 << bits`, less one.
func lowBits(_ bits: Int) -> UInt128 { bits >= 128 ? .max : (1 << UInt128(bits)) - 1 }

/// Where a named object stands: effects carry its place in the list of all.
struct ObjectPlace: Hashable {
  var table: String
  var name: String
}

extension Table {
  /// No two tables of a ruleset share it.
  var handleKey: String { "\(family.rawValue) \(name)" }
}

extension Ruleset {
  var timeoutPlaces: [ObjectPlace] {
    tables.flatMap { table in table.timeouts.map { ObjectPlace(table: table.handleKey, name: $0.name) } }
  }
  var flowtablePlaces: [ObjectPlace] {
    tables.flatMap { table in table.flowtables.map { ObjectPlace(table: table.handleKey, name: $0.name) } }
  }
}
