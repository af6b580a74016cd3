import Testing
import Wire

struct NameTests {
  /// Names become labels of metrics: two of the same would be added up as one.
  @Test func `each kind and each reason has a name of its own`() {
    #expect(Set(PacketKind.allCases.map(\.name)).count == PacketKind.allCases.count)
    #expect(Set(InvalidReason.allCases.map(\.name)).count == InvalidReason.allCases.count)
  }
}
