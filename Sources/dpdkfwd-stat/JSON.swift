internal import Segment

/// A JSON text in the making; members keep their order.
enum JSON {
  case object([(String, JSON)])
  case array([JSON])
  case text(String)
  case unsigned(UInt64)
  case signed(Int64)
  case real(Double)
  case truth(Bool)
  case null

  init(_ value: Value) {
    self =
      switch value {
      case .unsigned(let number): .unsigned(number)
      case .signed(let number): .signed(number)
      case .real(let number): number.isFinite ? .real(number) : .null
      case .truth(let truth): .truth(truth)
      case .text(let text): .text(text)
      case .list(let values): .array(values.map { JSON($0) })
      }
  }
}

extension JSON: CustomStringConvertible {
  /// All on one line.
  var line: String {
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

  var description: String { rendered(indent: "") }

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
    case .real(let number): "\(number)"
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
