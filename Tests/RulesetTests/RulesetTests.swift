import Ruleset
import Testing

@Test func `an empty ruleset has no tables`() {
  #expect(Ruleset().tables.isEmpty)
}
