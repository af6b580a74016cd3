extension Schema {
  /// The first thing about the schema that a reader could trip over, or `nil`. Writer and reader share the rules, so
  /// nothing is published that would be refused.
  ///
  /// - Parameter space: where records may lie, in bytes from the start of the file.
  func fault(within space: Range<Int>) -> String? {
    if let id = kinds.map(\.id).firstRepeated { return "two kinds have id \(id.rawValue)" }
    if let name = kinds.map(\.name).firstRepeated { return "two kinds are called \(name)" }
    if let id = enumerations.map(\.id).firstRepeated { return "two enumerations have id \(id)" }
    for enumeration in enumerations where enumeration.id == 0 || !enumeration.name.isIdentifier {
      return "an enumeration has no id or no usable name"
    }
    for kind in kinds {
      if let fault = fault(of: kind, within: space) { return "kind \(kind.name): \(fault)" }
    }
    let spans = kinds.map { $0.offset..<$0.offset + $0.shards * $0.shardStride }
    if let at = spans.firstOverlap { return "two kinds lie over each other at byte \(at)" }
    return nil
  }

  private func fault(of kind: Kind, within space: Range<Int>) -> String? {
    guard kind.id.rawValue != 0, kind.name.isIdentifier else { return "it has no id or no usable name" }
    guard kind.stride > 0, kind.stride % 8 == 0 else { return "records of \(kind.stride) bytes" }
    guard kind.shards >= 0, kind.records >= 0, kind.offset >= 0, kind.offset <= space.upperBound, kind.offset % 64 == 0,
      kind.shardStride >= 0,
      kind.shardStride % 64 == 0
    else { return "it is not aligned" }
    let (shard, tooLong) = kind.records.multipliedReportingOverflow(by: kind.stride)
    guard !tooLong, shard <= kind.shardStride else { return "its shards lie over each other" }
    let (size, tooBig) = kind.shards.multipliedReportingOverflow(by: kind.shardStride)
    guard !tooBig, size == 0 || space.contains(kind.offset) && size <= space.upperBound - kind.offset else {
      return "it lies outside the segment"
    }
    if let guardID = kind.guardedBy {
      guard let guarding = kinds.first(where: { $0.id == guardID }) else {
        return "no kind \(guardID.rawValue) guards it"
      }
      guard guarding.field(of: .sequence) != nil, guarding.shards == kind.shards,
        guarding.records > 0 || kind.shards == 0
      else {
        return "\(guarding.name) cannot guard it"
      }
    }
    if let id = kind.fields.map(\.id).firstRepeated { return "two fields have id \(id)" }
    if let name = kind.fields.filter({ $0.nature != .removed }).map(\.name).firstRepeated {
      return "two fields are called \(name)"
    }
    if kind.fields.count(where: { $0.nature == .entry }) > 1 { return "two fields number its entries" }
    let live = kind.fields.filter { $0.nature != .removed }
    for field in live {
      if let fault = fault(of: field, in: kind) { return "field \(field.name): \(fault)" }
    }
    if let at = live.map({ $0.offset..<$0.offset + $0.size }).firstOverlap {
      return "two fields lie over each other at byte \(at) of the record"
    }
    return nil
  }

  private func fault(of field: Field, in kind: Kind) -> String? {
    guard field.id != 0, [field.name, field.unit + "_", field.metric + "_"].allSatisfy(\.isIdentifier) else {
      return "it has no id or no usable name"
    }
    let (size, overflow) = field.type.size.multipliedReportingOverflow(by: field.count)
    guard field.count > 0, field.offset >= 0, !overflow, field.offset <= kind.stride, size <= kind.stride - field.offset
    else { return "it lies outside the record" }
    guard field.offset % field.type.alignment == 0 else { return "it is not aligned" }
    if field.enumeration != 0, enumeration(field.enumeration) == nil { return "no enumeration \(field.enumeration)" }
    if field.labels != 0, enumeration(field.labels) == nil { return "no enumeration \(field.labels)" }
    if [.sequence, .entry].contains(field.nature), field.type != .u64 || field.count != 1 {
      return "it must be one 64-bit number"
    }
    if field.nature == .generation, ![.u32, .u64].contains(field.type) || field.count != 1 {
      return "it must be one number of 32 or 64 bits"
    }
    return nil
  }
}

extension [Range<Int>] {
  fileprivate var firstOverlap: Int? {
    let sorted = filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    return zip(sorted, sorted.dropFirst()).first { $0.upperBound > $1.lowerBound }?.1.lowerBound
  }
}

extension String {
  /// ASCII letters, digits and `_`, with no digit at its head: safe in C, metrics and on a terminal.
  fileprivate var isIdentifier: Bool {
    guard let head = utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(head) else { return false }
    return utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
      default: false
      }
    }
  }
}

extension Array where Element: Hashable {
  fileprivate var firstRepeated: Element? {
    var seen: Set<Element> = []
    return first { !seen.insert($0).inserted }
  }
}
