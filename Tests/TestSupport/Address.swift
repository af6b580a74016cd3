import Foundation

/// An IPv4 or IPv6 address, written as text: `"192.0.2.1"`, `"2001:db8::1"`.
public struct Address: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
  /// 4 or 16 bytes, as on the wire.
  public let bytes: [UInt8]

  public init(bytes: [UInt8]) {
    precondition(bytes.count == 4 || bytes.count == 16)
    self.bytes = bytes
  }

  public init(stringLiteral text: String) {
    var room = [UInt8](repeating: 0, count: 16)
    let isIPv6 = text.contains(":")
    let read = unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &room)
    precondition(read == 1, "\(text) is not an address")
    bytes = Array(room.prefix(isIPv6 ? 16 : 4))
  }

  public var isIPv6: Bool { bytes.count == 16 }

  /// IPv4 in dots, IPv6 as eight groups without `::`.
  public var description: String {
    isIPv6
      ? stride(from: 0, to: 16, by: 2).map { String(bytes.word(at: $0), radix: 16) }.joined(separator: ":")
      : bytes.map(String.init).joined(separator: ".")
  }
}
