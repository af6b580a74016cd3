public import JSONText
public import Segment

extension JSON {
  public init(_ value: Value) {
    self =
      switch value {
      case .unsigned(let number): .unsigned(number)
      case .signed(let number): .signed(number)
      case .real(let number): .real(number)
      case .truth(let truth): .truth(truth)
      case .text(let text): .text(text)
      case .list(let values): .array(values.map { JSON($0) })
      }
  }
}
