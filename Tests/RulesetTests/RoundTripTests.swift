import Ruleset
import TestSupport
import Testing

/// A listing is a text that means what was listed.
struct RoundTripTests {
  private func isRead(_ text: String) throws {
    guard let ruleset = try? read(text) else { return }
    let listing = ruleset.listing()
    let again = try read(listing)
    #expect(again.bare == ruleset.bare, "\(text)\n\(listing)")
    #expect(again.listing() == listing, "\(text)")
  }

  @Test(arguments: Theme.allCases) func `every text that is accepted is read again from its listing`(_ theme: Theme)
    throws
  {
    for text in theme.texts { try isRead(text) }
  }

  @Test func `generated rulesets are read again from their listings`() throws {
    var generator = RuleGenerator(seed: SeededGenerator.forThisRun().seed)
    for _ in 0..<300 {
      let text = generator.ruleset()
      #expect(throws: Never.self) { try read(text) }
      try isRead(text)
    }
  }

  /// Words rather than numbers, and the other way round, mean the same.
  @Test func `every way to list is read again`() throws {
    var generator = RuleGenerator(seed: 7)
    for _ in 0..<50 {
      let ruleset = try read(generator.ruleset())
      for way in 0..<5 {
        var options = ListOptions()
        options.handles = way == 0
        options.numeric = way == 1
        options.numericPriority = way == 2
        options.numericProtocol = way == 3
        options.services = way == 4
        #expect(try read(ruleset.listing(options)).bare == ruleset.bare, "\(ruleset.listing(options))")
      }
    }
  }
}

extension Ruleset {
  /// Without handles and numbers of states, which go by the order in which things were made.
  fileprivate var bare: [String] {
    tables.map { table in
      var table = table
      table.handle = 0
      table.lastHandle = 0
      for index in table.chains.indices {
        table.chains[index].handle = 0
        for rule in table.chains[index].rules.indices {
          table.chains[index].rules[rule].handle = 0
          table.chains[index].rules[rule].statements = table.chains[index].rules[rule].statements.map(\.bare)
        }
      }
      for index in table.sets.indices {
        table.sets[index].handle = 0
        table.sets[index].state = 0
        table.sets[index].statements = table.sets[index].statements.map(\.bare)
        for element in table.sets[index].elements.indices {
          table.sets[index].elements[element].state = 0
          table.sets[index].elements[element].statements = table.sets[index].elements[element].statements.map(\.bare)
        }
      }
      for index in table.counters.indices {
        (table.counters[index].handle, table.counters[index].counter.state) = (0, 0)
      }
      for index in table.limits.indices { (table.limits[index].handle, table.limits[index].limit.state) = (0, 0) }
      for index in table.timeouts.indices {
        table.timeouts[index].handle = 0
        table.timeouts[index].family = table.timeouts[index].family ?? table.family
      }
      for index in table.flowtables.indices { table.flowtables[index].handle = 0 }
      return "\(table)"
    }
  }
}

extension Statement {
  fileprivate var bare: Statement {
    switch self {
    case .counter(var counter):
      counter.state = 0
      return .counter(counter)
    case .limit(var limit):
      limit.state = 0
      return .limit(limit)
    case .connectionCount(var count):
      count.state = 0
      return .connectionCount(count)
    case .update(var update):
      update.statements = update.statements.map(\.bare)
      return .update(update)
    default: return self
    }
  }
}
