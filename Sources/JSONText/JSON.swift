// JSONText: JSON as RFC 8259 has it. A value is a tree that keeps the order of its members and every bit of its whole
// numbers; it is written on one line or many, and read from bytes that anybody may have sent: the grammar to the letter,
// bounded depth, and nothing that two readers could understand differently. It uses nothing and owns nothing.

/// A JSON text as a value; members keep their order.
public enum JSON: Sendable {
  case object([(String, JSON)])
  case array([JSON])
  case text(String)
  case unsigned(UInt64)
  case signed(Int64)
  /// Written as `null` where it is not finite: JSON has no word for that.
  case real(Double)
  case truth(Bool)
  case null
}

extension JSON: CustomStringConvertible {
  /// All on one line.
  public var line: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .object(let members):
      text += "{"
      for (index, (name, value)) in members.enumerated() {
        if index > 0 { text += ", " }
        text += Self.quoted(name)
        text += ": "
        value.write(to: &text)
      }
      text += "}"
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ", " }
        element.write(to: &text)
      }
      text += "]"
    default: text += rendered(indent: "")
    }
  }

  /// Indented, a line for each member and element.
  public var description: String { rendered(indent: "") }

  private func rendered(indent: String) -> String {
    let inner = indent + "  "
    return switch self {
    case .object(let members) where members.isEmpty: "{}"
    case .array(let elements) where elements.isEmpty: "[]"
    case .object(let members):
      "{\n"
        + members.map { "\(inner)\(Self.quoted($0)): \($1.rendered(indent: inner))" }.joined(separator: ",\n")
        + "\n\(indent)}"
    case .array(let elements):
      "[\n" + elements.map { inner + $0.rendered(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
    case .text(let text): Self.quoted(text)
    case .unsigned(let number): "\(number)"
    case .signed(let number): "\(number)"
    case .real(let number): number.isFinite ? "\(number)" : "null"
    case .truth(let truth): "\(truth)"
    case .null: "null"
    }
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    if isPlain { return "\"" + text + "\"" }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
