/// What a telemetry command answers, in the shapes that DPDK 22.11 can carry: no fractions, no signed number beyond 32
/// bits, no text but ASCII (its writer of JSON spoils the rest), and names of letters, digits, `_` and `/`.
indirect enum TelemetryValue: Equatable, Sendable {
  case unsigned(UInt64)
  case signed(Int32)
  case text(String)
  case texts([String])
  case members([Member])

  struct Member: Equatable, Sendable {
    let name: String
    let value: TelemetryValue
  }

  static func text(of text: String) -> TelemetryValue { .text(ascii(text)) }

  /// Members under names that DPDK takes. Where two become the same, the later one is numbered.
  static func named(_ members: [(name: String, value: TelemetryValue)]) -> TelemetryValue {
    var taken: Set<String> = []
    return .members(
      members.map { name, value in
        let legal = legalName(name)
        var own = legal
        var number = 2
        while !taken.insert(own).inserted {
          own = "\(legal)_\(number)"
          number += 1
        }
        return Member(name: own, value: value)
      })
  }

  /// Every character that DPDK does not take is a `_`.
  static func legalName(_ name: String) -> String {
    let characters = ascii(name).map { $0.isLetter || $0.isNumber || $0 == "/" ? $0 : "_" }
    return characters.isEmpty ? "_" : String(characters)
  }

  static func ascii(_ text: String) -> String {
    String(text.map { character in character.asciiValue.map { 0x20...0x7e ~= $0 } ?? false ? character : "?" })
  }
}

// MARK: Limits

extension TelemetryValue {
  /// Of DPDK 22.11. Entries, and of the bytes all but what the command around the answer takes.
  enum Limit {
    static let members = 256
    static let texts = 512
    static let textBytes = 127
    static let outputBytes = 16_384 - 128
  }

  /// Whether DPDK sends it whole; it would cut what does not fit, and not say so.
  var fits: Bool { isCountable && outputBytes <= Limit.outputBytes }

  private var isCountable: Bool {
    switch self {
    case .unsigned, .signed: true
    case .text(let text): text.utf8.count <= Limit.textBytes
    case .texts(let texts): texts.count <= Limit.texts && texts.allSatisfy { $0.utf8.count <= Limit.textBytes }
    case .members(let members):
      members.count <= Limit.members
        && members.allSatisfy { $0.name.utf8.count <= Limit.textBytes && $0.value.isCountable }
    }
  }

  /// Bytes of JSON, with a comma or a bracket behind it.
  private var outputBytes: Int {
    func quoted(_ text: String) -> Int { text.utf8.reduce(3) { $0 + ($1 == 0x22 || $1 == 0x5c ? 2 : 1) } }
    return switch self {
    case .unsigned(let number): "\(number)".utf8.count + 1
    case .signed(let number): "\(number)".utf8.count + 1
    case .text(let text): quoted(text)
    case .texts(let texts): texts.reduce(3) { $0 + quoted($1) }
    case .members(let members): members.reduce(3) { $0 + quoted($1.name) + $1.value.outputBytes }
    }
  }
}
