// Ruleset: packet rules in nft's language, as a value. Text becomes a tree (`Parser`), is checked as a whole, edited by
// nft's verbs (`Ruleset+Edit`) and listed again as valid text or JSON. A tree says what is meant, and nothing of how:
// implicit dependencies are matches of their own, symbols are numbers, and every constant is an integer in the order in
// which its bytes lie on the wire. What it does to packets is the business of `Rules`.

/// All tables, with what they hold.
public struct Ruleset: Hashable, Sendable {
  public var tables: [Table] = []
  /// The last handle given to a table, and the last number given to something that keeps a state while packets pass.
  public var lastTableHandle: UInt64 = 0
  public var lastState: StateID = 0

  public init() {}
}

/// What names a counter, limit, set or map across changes of the rules: an object that stays keeps its number and by it
/// what it counted. 0: not given yet.
public typealias StateID = UInt32

/// Where something was written: a file of the sources that were read, lines and columns from 1 as nft counts them.
public struct Place: Hashable, Sendable {
  public var file = ""
  public var line = 0
  public var first = 0
  public var last = 0

  public init(file: String = "", line: Int = 0, first: Int = 0, last: Int = 0) {
    self.file = file
    self.line = line
    self.first = first
    self.last = last
  }
}

public enum Family: String, CaseIterable, Hashable, Sendable {
  case ip, ip6, inet, netdev
}

public struct Table: Hashable, Sendable {
  public var family: Family
  public var name: String
  public var handle: UInt64 = 0
  /// The last handle given to something in this table.
  public var lastHandle: UInt64 = 0
  public var isDormant = false
  public var comment: String?
  public var chains: [Chain] = []
  /// Named sets and maps.
  public var sets: [NamedSet] = []
  public var flowtables: [Flowtable] = []
  public var counters: [NamedCounter] = []
  public var limits: [NamedLimit] = []
  public var timeouts: [TimeoutPolicy] = []

  public init(family: Family, name: String) {
    self.family = family
    self.name = name
  }
}

// MARK: Chains and rules

public enum Hook: String, CaseIterable, Hashable, Sendable {
  case ingress, prerouting, forward, postrouting
}

public struct Chain: Hashable, Sendable {
  public var name: String
  public var handle: UInt64 = 0
  public var comment: String?
  /// Where packets enter it; `nil`: it is jumped to.
  public var base: BaseChain?
  public var rules: [Rule] = []

  public init(name: String) { self.name = name }
}

public struct BaseChain: Hashable, Sendable {
  public var hook: Hook
  public var priority: Int32
  /// Of `ingress`: the ports, by name.
  public var devices: [String] = []
  /// What becomes of a packet that no rule decides about.
  public var drops = false

  public init(hook: Hook, priority: Int32) {
    self.hook = hook
    self.priority = priority
  }
}

public struct Rule: Hashable, Sendable {
  public var handle: UInt64 = 0
  public var statements: [Statement]
  public var comment: String?

  public init(_ statements: [Statement], comment: String? = nil) {
    self.statements = statements
    self.comment = comment
  }
}

/// One step of a rule, from left to right. The first match that does not hold ends it; so does a verdict.
public indirect enum Statement: Hashable, Sendable {
  case match(Match)
  case counter(Counter)
  case namedCounter(String)
  case limit(Limit)
  case namedLimit(String)
  /// `ct count [over] N`: holds while the rule's own count of connections is at most (`over`: above) that.
  case connectionCount(ConnectionCount)
  case notrack
  case set(Target, Expression)
  /// `ct timeout set`.
  case timeout(String)
  case update(SetUpdate)
  case offload(flowtable: String)
  case verdict(RuleVerdict)
  /// `KEY vmap MAP`.
  case verdictMap(Expression, SetReference)
  case reject(Reject)
}

public struct Match: Hashable, Sendable {
  public enum Relation: String, Hashable, Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    /// Some of the right side's bits are set in the left; none is.
    case anyBit, noBit
  }
  public var left: Expression
  public var relation: Relation
  public var right: Operand
  /// nft asks for this by itself before another match; it is not listed.
  public var isImplicit = false

  public init(_ left: Expression, _ relation: Relation, _ right: Operand, isImplicit: Bool = false) {
    self.left = left
    self.relation = relation
    self.right = right
    self.isImplicit = isImplicit
  }
}

/// What stands on the right of a match. `equal` to a set means to be in it.
public indirect enum Operand: Hashable, Sendable {
  /// One range for each part of a concatenation; a range of one value is that value. A prefix is a range. A value with
  /// one part only may be wider in the tree than its text: `.prefixed` tells how it was written.
  case value(Key)
  case set(SetReference)
  /// Computed for each packet (`ct mark mark`, `ct original saddr ip saddr` and such).
  case expression(Expression)
}

/// What a set's element or a match's right side stands for: a range for each part.
public struct Key: Hashable, Sendable {
  public var parts: [ClosedRange<UInt128>]

  public init(_ parts: [ClosedRange<UInt128>]) { self.parts = parts }
  public init(_ value: UInt128) { parts = [value...value] }
  public var isExact: Bool { parts.allSatisfy { $0.lowerBound == $0.upperBound } }
}

/// What a rule reads of a packet, or computes.
public indirect enum Expression: Hashable, Sendable {
  case field(Field)
  case constant(UInt128, DataType)
  case and(Expression, Expression)
  case or(Expression, Expression)
  case xor(Expression, Expression)
  case shiftLeft(Expression, UInt8)
  case shiftRight(Expression, UInt8)
  case concatenation([Expression])
  /// `KEY map MAP`: what the map has for the key; the rule ends where it has nothing.
  case map(Expression, SetReference)
}

/// What a rule may set. Effects are seen by what comes after it.
public enum Target: Hashable, Sendable {
  case mark, trace
  case connectionMark
  /// One bit more: labels are set, never cleared.
  case connectionLabel
  /// `nil`: of both directions.
  case connectionZone(FlowDirection?)
  /// Bits: new 1, related 2, destroy 4, reply 8, assured 16, protoinfo 32, helper 64, mark 128, seqadj 256, secmark 512,
  /// label 1024 (1 << IPCT_*).
  case connectionEvents
}

public enum FlowDirection: String, CaseIterable, Hashable, Sendable { case original, reply }

public enum RuleVerdict: Hashable, Sendable {
  case accept, drop
  /// On with the next rule.
  case `continue`
  case `return`
  case jump(String)
  case goto(String)
}

/// While bridged nothing is sent back: the packet is dropped, under a reason of its own.
public struct Reject: Hashable, Sendable {
  /// As it was written behind `reject`, in nft's words; empty: nothing was.
  public var with = ""
  public init(with: String = "") { self.with = with }
}

// MARK: What keeps a state

public struct Counter: Hashable, Sendable {
  public var state: StateID = 0
  public var packets: UInt64 = 0
  public var bytes: UInt64 = 0
  public init() {}
}

public struct Limit: Hashable, Sendable {
  public enum Unit: String, CaseIterable, Hashable, Sendable {
    case second, minute, hour, day, week

    public var seconds: UInt64 {
      switch self {
      case .second: 1
      case .minute: 60
      case .hour: 3600
      case .day: 86_400
      case .week: 604_800
      }
    }
  }
  public var state: StateID = 0
  public var rate: UInt64
  public var unit: Unit
  /// The rate and burst are bytes.
  public var countsBytes = false
  public var burst: UInt64
  /// Holds when the rate is exceeded, rather than while it is not.
  public var isOver = false

  public init(rate: UInt64, unit: Unit, burst: UInt64) {
    self.rate = rate
    self.unit = unit
    self.burst = burst
  }
}

public struct ConnectionCount: Hashable, Sendable {
  public var state: StateID = 0
  public var limit: UInt32
  public var isOver = false
  public init(limit: UInt32) { self.limit = limit }
}

/// `add`, `update` or `delete` of an element by a packet. `add` leaves one that is there alone, `update` renews its
/// time. The statements belong to the element: the rule goes on if they hold.
public struct SetUpdate: Hashable, Sendable {
  public enum Verb: String, Hashable, Sendable { case add, update, delete }
  public var verb: Verb
  public var set: String
  public var key: Expression
  /// Of a map.
  public var data: Expression?
  /// Milliseconds; `nil`: the set's own.
  public var timeout: UInt64?
  public var statements: [Statement] = []

  public init(_ verb: Verb, set: String, key: Expression) {
    self.verb = verb
    self.set = set
    self.key = key
  }
}

public struct NamedCounter: Hashable, Sendable {
  public var name: String
  public var handle: UInt64 = 0
  public var comment: String?
  public var counter = Counter()
  public init(name: String) { self.name = name }
}

public struct NamedLimit: Hashable, Sendable {
  public var name: String
  public var handle: UInt64 = 0
  public var comment: String?
  public var limit: Limit
  public init(name: String, limit: Limit) {
    self.name = name
    self.limit = limit
  }
}

/// `ct timeout NAME { protocol P; l3proto L; policy = { STATE : SECONDS, ... } }`.
public struct TimeoutPolicy: Hashable, Sendable {
  public var name: String
  public var handle: UInt64 = 0
  public var comment: String?
  /// IP protocol number.
  public var transport: UInt8 = 0
  /// `ip` or `ip6`; `nil`: as the table's family says.
  public var family: Family?
  /// Seconds by the protocol's name of a state, in the order they were written.
  public var seconds: [TimeoutEntry] = []
  public init(name: String) { self.name = name }
}

public struct TimeoutEntry: Hashable, Sendable {
  public var state: String
  public var seconds: UInt32
  public init(state: String, seconds: UInt32) {
    self.state = state
    self.seconds = seconds
  }
}

/// A named flow table: flows that rules add to it pass its ports by a short way.
public struct Flowtable: Hashable, Sendable {
  public var name: String
  public var handle: UInt64 = 0
  public var priority: Int32 = 0
  /// Ports by name; a trailing `*` stands for all that begin so.
  public var devices: [String] = []
  public var hasCounter = false
  /// `flags offload`: to hardware too.
  public var isHardware = false
  /// Seconds without a packet after which a flow leaves; `nil`: the setting of its protocol. (Ours: nft has none.)
  public var timeout: UInt32?
  /// Seconds: what deadlines in milliseconds, modulo 2^32, have room for.
  static let longestTimeout: UInt64 = 2_000_000
  public init(name: String) { self.name = name }
}

// MARK: Sets and maps

public enum SetReference: Hashable, Sendable {
  case named(String)
  case anonymous(AnonymousSet)
}

/// A set or map that stands in a rule.
public struct AnonymousSet: Hashable, Sendable {
  /// One type for each part of a key.
  public var key: [DataType]
  /// Of a map.
  public var data: SetData?
  public var elements: [Element] = []
  public init(key: [DataType], data: SetData? = nil) {
    self.key = key
    self.data = data
  }
}

/// What a map gives for a key.
public enum SetData: Hashable, Sendable {
  case verdict
  /// One type for each part.
  case value([DataType])
}

public struct NamedSet: Hashable, Sendable {
  public struct Flags: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let constant = Flags(rawValue: 1)
    public static let interval = Flags(rawValue: 2)
    public static let timeout = Flags(rawValue: 4)
    public static let dynamic = Flags(rawValue: 8)
  }
  public var name: String
  public var handle: UInt64 = 0
  public var state: StateID = 0
  public var comment: String?
  public var key: [DataType]
  /// As written behind `typeof`: what is listed again; empty: `type` was.
  public var keyExpressions: [Expression] = []
  /// The words of each, since an expression alone does not tell whose header it reads.
  public var keyWords: [String] = []
  public var data: SetData?
  public var dataExpressions: [Expression] = []
  public var dataWords: [String] = []
  public var flags: Flags = []
  /// Milliseconds.
  public var timeout: UInt64?
  public var gcInterval: UInt64?
  public var size: UInt32?
  /// `policy memory` rather than `performance`.
  public var savesMemory = false
  public var autoMerge = false
  /// Each element has its own of these (`counter`, `limit`, `ct count`).
  public var statements: [Statement] = []
  public var elements: [Element] = []

  public init(name: String, key: [DataType], data: SetData? = nil) {
    self.name = name
    self.key = key
    self.data = data
  }
}

public struct Element: Hashable, Sendable {
  public enum Value: Hashable, Sendable {
    case verdict(RuleVerdict)
    case value(Key)
  }
  /// `nil`: `*`, what no other element has.
  public var key: Key?
  /// Of a set whose elements end or keep a state: by what its time goes. Another one when it is added or renewed.
  public var state: StateID = 0
  public var value: Value?
  public var comment: String?
  /// Milliseconds.
  public var timeout: UInt64?
  /// What is left of it, when the set was listed.
  public var expires: UInt64?
  /// Its own of the set's statements, with what they counted.
  public var statements: [Statement] = []

  public init(_ key: Key?, value: Value? = nil) {
    self.key = key
    self.value = value
  }
}
