/// Why bytes are no JSON text, or none that is taken here.
public struct JSONError: Error, Equatable, Sendable {
  public enum Cause: Equatable, Sendable {
    /// The bytes end within a value, or hold none.
    case end
    case unexpected(UInt8)
    /// Something follows the value.
    case trailing
    /// Arrays and objects are nested deeper than so many.
    case depth(Int)
    /// An object has two members of one name: readers differ in which of them they believe.
    case duplicate
    /// A whole number beyond 64 bits, which would be rounded, or another beyond what a `Double` holds.
    case range
    case utf8
    case control
    case escape
    /// Half of a pair of UTF-16 surrogates.
    case surrogate
  }

  /// Of the byte at which reading ended, from zero.
  public let position: Int
  public let cause: Cause

  public init(position: Int, cause: Cause) {
    self.position = position
    self.cause = cause
  }
}

extension JSONError: CustomStringConvertible {
  public var description: String { "\(cause) at byte \(position)" }
}

extension JSONError.Cause: CustomStringConvertible {
  public var description: String {
    switch self {
    case .end: "the text ends too early"
    case .unexpected(let byte):
      (0x21...0x7e).contains(byte)
        ? "unexpected '\(Unicode.Scalar(byte))'" : "unexpected byte 0x\(String(byte, radix: 16))"
    case .trailing: "something follows the value"
    case .depth(let most): "nested deeper than \(most)"
    case .duplicate: "a member's name comes twice"
    case .range: "a number out of range"
    case .utf8: "no UTF-8"
    case .control: "a control character in a string"
    case .escape: "no such escape"
    case .surrogate: "half of a surrogate pair"
    }
  }
}
