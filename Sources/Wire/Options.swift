/// The options of an IPv4 or a TCP header, one after the other (RFC 791 §3.1, RFC 9293 §3.2): kind 0 ends the list,
/// kind 1 stands alone, any other carries a length that counts kind and length too.
public struct Options: ~Escapable {
  /// Kinds of IPv4 options that send a datagram by way of other addresses.
  static let looseSourceRoute: UInt8 = 131
  static let strictSourceRoute: UInt8 = 137

  private var rest: RawSpan
  /// The list broke off: an option claims less than its own two bytes or more than are left.
  public private(set) var isMalformed = false

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { rest = bytes }

  /// The next option but padding, or `nil` at the end of the list or of what can be read of it.
  @_lifetime(copy self)
  public mutating func next() -> Option? {
    while rest.byteCount > 0 {
      let kind = rest[Field<UInt8>(at: 0)]
      if kind == 0 { break }
      if kind == 1 {
        rest = rest.after(1)
        continue
      }
      let length = rest.byteCount > 1 ? Int(rest[Field<UInt8>(at: 1)]) : 0
      guard length >= 2, length <= rest.byteCount else {
        isMalformed = true
        break
      }
      let option = Option(kind: kind, value: rest.extracting(2..<length))
      rest = rest.after(length)
      return option
    }
    rest = rest.extracting(first: 0)
    return nil
  }

  public struct Option: ~Escapable {
    public let kind: UInt8
    public let value: RawSpan

    @_lifetime(copy value)
    init(kind: UInt8, value: RawSpan) {
      self.kind = kind
      self.value = value
    }
  }
}
