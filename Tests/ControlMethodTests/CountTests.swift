import ControlProtocol
import ControlServer
import Segment
import Testing

@testable import Control

/// X7: what the control sockets refuse and end is counted where everybody sees it.
@Suite struct `Counting what came by the sockets` {
  /// As the segment spells it.
  private func word(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }

  @Test func `every reason and every error has its name`() {
    #expect(ForwarderSchema.controlClosings == ControlClosing.allCases.map { word("\($0)") })
    #expect(ForwarderSchema.controlErrors == ControlCode.allCases.map { word("\($0)") })
  }

  @Test func `the segment has all that the server has counted`() async throws {
    try await onOneThread { thread in
      let bench = try ControlBench(thread)
      var counts = ControlCounts()
      (counts.accepted, counts.full, counts.strangers, counts.open) = (1, 2, 3, 4)
      (counts.requests, counts.pauses, counts.bytesIn, counts.bytesOut) = (5, 6, 7, 8)
      for (place, closing) in ControlClosing.allCases.enumerated() { counts.closed[closing] = UInt64(10 + place) }
      for (place, code) in ControlCode.allCases.enumerated() { counts.errors[code] = UInt64(20 + place) }
      bench.methods.counted(counts)
      let kind = try bench.reader.kind("control")
      let record = try #require(bench.reader.records(of: kind).first)
      let names = ["accepted", "full", "strangers", "open", "requests", "pauses", "bytes_in", "bytes_out"]
      #expect(names.map { record.number($0) } == (1...8).map { $0 })
      let closed = try #require(kind.field(named: "closed"))
      #expect(closed.count == ControlClosing.allCases.count)
      #expect(
        (0..<closed.count).map { record.number(closed, element: $0) } == (0..<closed.count).map { UInt64(10 + $0) })
      let errors = try #require(kind.field(named: "errors"))
      #expect(errors.count == ControlCode.allCases.count)
      #expect(
        (0..<errors.count).map { record.number(errors, element: $0) } == (0..<errors.count).map { UInt64(20 + $0) })
    }
  }
}
