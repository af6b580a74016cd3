internal import Glibc
public import Primitives

/// A record, copied at one moment.
public struct Record: Sendable {
  let schema: Schema
  public let kind: Kind
  public let shard: Int
  public let index: Int
  let words: [UInt64]

  /// A field of this name, as it is meant; `nil` when the segment has none.
  public subscript(_ name: String) -> Value? { kind.field(named: name).map { value(of: $0) } }

  /// The number in a field of this name; `nil` when the segment has none.
  public func number(_ name: String, element: Int = 0) -> UInt64? {
    kind.field(named: name).map { number($0, element: element) }
  }

  /// The bits of an element as a number; negative ones are sign-extended, what is no number is 0.
  public func number(_ field: Field, element: Int = 0) -> UInt64 {
    guard element < field.count else { return 0 }
    let at = field.offset + element * field.type.size
    return switch field.type {
    case .u8, .bool, .char: UInt64(load(at, UInt8.self))
    case .u16: UInt64(load(at, UInt16.self))
    case .u32: UInt64(load(at, UInt32.self))
    case .i32: UInt64(bitPattern: Int64(load(at, Int32.self)))
    case .u64, .i64, .f64: load(at, UInt64.self)
    case .mac, .ipv4, .ipv6: 0
    }
  }

  public func value(of field: Field) -> Value {
    if field.type == .char { return .text(.printable(bytes(field.offset, field.count).prefix { $0 != 0 })) }
    if field.count == 1 { return value(of: field, element: 0) }
    return .list((0..<field.count).map { value(of: field, element: $0) })
  }

  /// Sixteen bytes in network order, or four in the place of the first; zero when the field has neither.
  public func address(_ field: Field) -> IPv6Address {
    switch field.size {
    case 16:
      IPv6Address(high: load(field.offset, UInt64.self).bigEndian, low: load(field.offset + 8, UInt64.self).bigEndian)
    case 4: IPv6Address(ipv4: IPv4Address(bits: load(field.offset, UInt32.self).bigEndian))
    default: IPv6Address(high: 0, low: 0)
    }
  }

  /// The bytes of a field, as they lie in the record.
  public func bytes(of field: Field) -> [UInt8] { bytes(field.offset, field.size) }

  private func value(of field: Field, element: Int) -> Value {
    let bits = number(field, element: element)
    if let name = schema.enumeration(field.enumeration)?.name(of: bits) { return .text(name) }
    let at = field.offset + element * field.type.size
    return switch field.type {
    case .u8, .u16, .u32, .u64, .char: .unsigned(bits)
    case .i32, .i64: .signed(Int64(bitPattern: bits))
    case .f64: .real(Double(bitPattern: bits))
    case .bool: .truth(bits != 0)
    case .mac: .text(bytes(at, 6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":"))
    case .ipv4: .text(bytes(at, 4).map { String($0) }.joined(separator: "."))
    case .ipv6: .text(ipv6(bytes(at, 16)))
    }
  }

  private func ipv6(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = unsafe inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ at: Int, _: Number.Type) -> Number {
    precondition(at >= 0 && at + MemoryLayout<Number>.size <= words.count * 8)
    return unsafe words.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: at, as: Number.self) }
  }

  private func bytes(_ at: Int, _ count: Int) -> [UInt8] { (0..<count).map { load(at + $0, UInt8.self) } }
}

/// A field's value as it is meant: an enumeration by its name, an address written out.
public enum Value: Sendable, Equatable {
  case unsigned(UInt64)
  case signed(Int64)
  case real(Double)
  case truth(Bool)
  case text(String)
  case list([Value])
}

extension Value: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unsigned(let number): "\(number)"
    case .signed(let number): "\(number)"
    case .real(let number): "\(number)"
    case .truth(let truth): truth ? "yes" : "no"
    case .text(let text): text
    case .list(let values): values.map(\.description).joined(separator: " ")
    }
  }
}

extension String {
  /// Bytes of unknown origin, with nothing in them that would do something to a terminal.
  static func printable(_ bytes: some Collection<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      text.append(scalar.isControl ? "\u{FFFD}" : scalar)
    }
    return String(text)
  }
}
