extension Schema {
  /// The first thing about the schema that a reader could trip over, or `nil`. Writer and reader share the rules, so
  /// nothing is published that would be refused.
  ///
  /// - Parameter end: bytes of the segment; every record lies before it.
  func fault(end: Int) -> String? {
    if let id = kinds.map(\.id).firstRepeated { return "two kinds have id \(id.rawValue)" }
    if let name = kinds.map(\.name).firstRepeated { return "two kinds are called \(name)" }
    if let id = enumerations.map(\.id).firstRepeated { return "two enumerations have id \(id)" }
    for enumeration in enumerations where enumeration.id == 0 || enumeration.name.isEmpty {
      return "an enumeration has no id or no name"
    }
    for kind in kinds {
      if let fault = fault(of: kind, end: end) { return "kind \(kind.name): \(fault)" }
    }
    let spans = kinds.map { $0.offset..<$0.offset + $0.shards * $0.shardStride }.filter { !$0.isEmpty }
    for (one, next) in zip(
      spans.sorted { $0.lowerBound < $1.lowerBound }, spans.sorted { $0.lowerBound < $1.lowerBound }.dropFirst())
    where one.upperBound > next.lowerBound { return "two kinds lie over each other at byte \(next.lowerBound)" }
    return nil
  }

  private func fault(of kind: Kind, end: Int) -> String? {
    guard kind.id.rawValue != 0, !kind.name.isEmpty else { return "it has no id or no name" }
    guard kind.stride > 0, kind.stride % 8 == 0 else { return "records of \(kind.stride) bytes" }
    guard kind.shards >= 0, kind.records >= 0, kind.offset >= 0, kind.offset % 64 == 0, kind.shardStride >= 0,
      kind.shardStride % 64 == 0
    else { return "it is not aligned" }
    let (shard, tooLong) = kind.records.multipliedReportingOverflow(by: kind.stride)
    guard !tooLong, shard <= kind.shardStride else { return "its shards lie over each other" }
    let (size, tooBig) = kind.shards.multipliedReportingOverflow(by: kind.shardStride)
    guard !tooBig, kind.offset <= end, size <= end - kind.offset else { return "it ends behind the segment" }
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
    for field in kind.fields where field.nature != .removed {
      if let fault = fault(of: field, in: kind) { return "field \(field.name): \(fault)" }
    }
    return nil
  }

  private func fault(of field: Field, in kind: Kind) -> String? {
    guard field.id != 0, !field.name.isEmpty else { return "it has no id or no name" }
    let (size, overflow) = field.type.size.multipliedReportingOverflow(by: field.count)
    guard field.count > 0, field.offset >= 0, !overflow, field.offset <= kind.stride, size <= kind.stride - field.offset
    else { return "it lies outside the record" }
    guard field.offset % field.type.alignment == 0 else { return "it is not aligned" }
    if field.enumeration != 0, enumeration(field.enumeration) == nil { return "no enumeration \(field.enumeration)" }
    if field.labels != 0, enumeration(field.labels) == nil { return "no enumeration \(field.labels)" }
    if field.nature == .generation || field.nature == .sequence, field.type != .u64 || field.count != 1 {
      return "it must be one 64-bit number"
    }
    return nil
  }
}

extension Array where Element: Hashable {
  fileprivate var firstRepeated: Element? {
    var seen: Set<Element> = []
    return first { !seen.insert($0).inserted }
  }
}
