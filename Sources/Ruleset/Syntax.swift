// What a text says before it is known what it means: words with their places. The parser makes it without looking at a
// ruleset, the evaluator makes trees of it.

/// A name with its place.
struct Named: Sendable {
  var text: String
  var spot: Spot
}

struct Node: Sendable {
  var form: Form
  var spot: Spot

  init(_ form: Form, _ spot: Spot) {
    self.form = form
    self.spot = spot
  }

  indirect enum Form: Sendable {
    case word(String)
    case quoted(String)
    /// `nil`: wider than 64 bits.
    case number(UInt64?)
    case field(FieldUse)
    case prefix(Node, UInt64)
    case range(Node, Node)
    /// `*`
    case any
    case concatenation([Node])
    case list([Node])
    case set([ElementNode])
    /// `@name`
    case reference(String)
    case binary(Operator, Node, Node)
    /// `KEY map MAP`
    case map(Node, Node)
    case verdict(VerdictNode)
  }

  enum Operator: String, Sendable {
    case and = "&"
    case or = "|"
    case xor = "^"
    case shiftLeft = "<<"
    case shiftRight = ">>"
  }
}

/// What a rule reads, as its words say; which field that is may depend on the rule.
enum FieldUse: Sendable {
  case header(Header, HeaderField)
  case raw(Payload)
  case exists(ExtensionHeader)
  case extensionField(ExtensionHeader, HeaderField)
  case tcpOptionExists(UInt8)
  case tcpOption(UInt8, HeaderField)
  case meta(Field, DataType)
  case connection(ConnectionField, DataType)
  /// `ct original saddr`, with `ip` or `ip6` before it or of what the rule is about.
  case address(FlowDirection, isSource: Bool, Header?)
  case port(FlowDirection, isSource: Bool)
}

struct VerdictNode: Sendable {
  var verdict: RuleVerdict
  /// Of a jump.
  var target: Spot?
}

struct ElementNode: Sendable {
  var key: Node
  var value: Node?
  var comment: String?
  var timeout: UInt64?
  var expires: UInt64?
  var statements: [StatementNode] = []
  var spot: Spot
}

struct StatementNode: Sendable {
  var form: Form
  var spot: Spot

  indirect enum Form: Sendable {
    /// `nil`: nothing stands between the two.
    case match(Node, Relation?, Node)
    /// `LEFT VALUE / MASK`
    case masked(Node, Bool, Node, Node)
    case counter(Counter)
    case namedCounter(Named)
    case limit(Limit)
    case namedLimit(Named)
    case connectionCount(ConnectionCount)
    case notrack
    case set(Target, DataType, Node)
    case timeout(Named)
    case update(SetUpdate.Verb, Named, key: ElementNode, data: Node?)
    case offload(Named)
    case verdict(VerdictNode)
    case verdictMap(Node, Node)
    case reject(RejectNode?)
  }

  enum Relation: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case noBit = "!"
  }
}

struct RejectNode: Sendable {
  enum Kind: String, Sendable { case reset = "tcp reset", icmp, icmpv6, icmpx }
  var kind: Kind
  var code: Node?
}

struct RuleNode: Sendable {
  var statements: [StatementNode]
  var comment: String?
  var spot: Spot
}

// MARK: Commands

enum Verb: String, Sendable {
  case add, create, insert, replace, delete, destroy, flush, list, reset, rename
}

struct TableName: Sendable {
  var family: Family
  var name: Named
}

/// Which of a table's rules: `handle`, `position` or `index`.
enum RulePlace: Sendable {
  case handle(UInt64, Spot)
  case index(UInt64, Spot)
}

struct ChainNode: Sendable {
  var name: Named
  var comment: String?
  var base: BaseChainNode?
  var drops: Bool?
  var policy: Spot?
}

struct BaseChainNode: Sendable {
  var hook: Named
  var priority: PriorityNode
  var devices: [Named]
  var spot: Spot
}

struct PriorityNode: Sendable {
  var name: String?
  var offset: Int64
  var spot: Spot
}

struct SetNode: Sendable {
  var name: Named
  var isMap: Bool
  /// By `type`, or by `typeof`.
  var key: KeyNode?
  var data: KeyNode?
  var givesVerdicts = false
  var flags: NamedSet.Flags = []
  var timeout: UInt64?
  var gcInterval: UInt64?
  var size: UInt32?
  var savesMemory = false
  var autoMerge = false
  var comment: String?
  var statements: [StatementNode] = []
  var elements: [ElementNode] = []
  /// The type of map is none of ours.
  var unsupported: Named?
}

enum KeyNode: Sendable {
  case types([DataType], Spot)
  case expression(Node)
}

struct FlowtableNode: Sendable {
  var table: Flowtable
  var name: Named
  var priority: PriorityNode?
  var devices: [Named] = []
  var hasHook = false
}

enum ObjectNode: Sendable {
  case counter(NamedCounter)
  case limit(NamedLimit)
  case timeout(TimeoutPolicy)
}

enum ObjectKind: String, Sendable {
  case set, map, flowtable, counter, limit
  case timeout = "ct timeout"
}

struct Command: Sendable {
  var verb: Verb
  var spot: Spot
  var form: Form

  enum Form: Sendable {
    /// Its name may be a handle (`delete table ip handle 5`).
    case table(TableName, dormant: Bool?, comment: String?)
    case tableByHandle(Family, UInt64, Spot)
    case chain(TableName, ChainNode)
    case chainByHandle(TableName, UInt64, Spot)
    case renameChain(TableName, Named, Named)
    case rule(TableName, chain: Named, RuleNode?, RulePlace?)
    case set(TableName, SetNode)
    case flowtable(TableName, FlowtableNode)
    case object(TableName, ObjectNode, Named)
    case elements(TableName, Named, [ElementNode])
    /// Delete, destroy, flush, list, reset of what has a name.
    case named(TableName, ObjectKind, Named)
    case namedByHandle(TableName, ObjectKind, UInt64, Spot)
    /// Of a whole family, or all.
    case ruleset(Family?)
    /// `list sets`, `reset counters` and such, of a family or of a table.
    case all(AllKind, Family?, TableName?)
    /// `list chain`, `flush chain`, `reset rules chain`.
    case chainRules(TableName, Named)
    case tableRules(TableName)
  }

  enum AllKind: String, Sendable {
    case tables, chains, sets, maps, flowtables, counters, limits, rules
    case timeouts = "ct timeouts"
  }
}
