// What a reader of a JSON text asks of it. Each answer is `nil` where the value is of another kind: nothing is converted.

extension JSON {
  /// The member of that name; `nil` where there is none or this is no object.
  ///
  /// Names are compared by their bytes, as RFC 8259 §8.3 has it, not by what Unicode holds equal.
  /// - Complexity: O(members).
  public subscript(name: String) -> JSON? {
    asObject?.first { $0.0.utf8.elementsEqual(name.utf8) }?.1
  }

  public var asObject: [(String, JSON)]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  public var asArray: [JSON]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  public var asText: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  public var asBool: Bool? {
    guard case .truth(let truth) = self else { return nil }
    return truth
  }

  public var isNull: Bool {
    guard case .null = self else { return false }
    return true
  }

  /// A whole number that the type holds; `nil` for one with a fraction or an exponent, even if that is zero.
  public func asWhole<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
    switch self {
    case .unsigned(let number): Number(exactly: number)
    case .signed(let number): Number(exactly: number)
    default: nil
    }
  }

  public var asUInt64: UInt64? { asWhole() }
  public var asInt64: Int64? { asWhole() }

  /// Any number, rounded to the nearest `Double`.
  public var asDouble: Double? {
    switch self {
    case .unsigned(let number): Double(number)
    case .signed(let number): Double(number)
    case .real(let number): number
    default: nil
    }
  }
}

extension JSON: Equatable {
  /// Whether both say the same: members in the same order, texts of the same bytes, whole numbers whatever case holds
  /// them. A whole number and a real one differ.
  public static func == (left: JSON, right: JSON) -> Bool {
    switch (left, right) {
    case (.object(let left), .object(let right)):
      left.count == right.count
        && zip(left, right).allSatisfy { $0.0.utf8.elementsEqual($1.0.utf8) && $0.1 == $1.1 }
    case (.array(let left), .array(let right)): left == right
    case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
    case (.unsigned(let left), .unsigned(let right)): left == right
    case (.signed(let left), .signed(let right)): left == right
    case (.unsigned(let left), .signed(let right)): left == right
    case (.signed(let left), .unsigned(let right)): left == right
    case (.real(let left), .real(let right)): left == right
    case (.truth(let left), .truth(let right)): left == right
    case (.null, .null): true
    default: false
    }
  }
}
