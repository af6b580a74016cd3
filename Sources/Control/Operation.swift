internal import Conntrack
internal import Inspection
internal import JSONText
internal import Segment

/// Something to be done to one connection, as a request says it.
struct Operation {
  let order: ConnectionOrder

  var creates: Bool { order.verb == .create || order.verb == .add }

  /// - Parameter json: an object of `op` and `entry`.
  init(_ json: JSON, client: UInt32) throws(MemberError) {
    let verbs: [String: ConnectionOrder.Verb] = [
      "create": .create, "add": .add, "update": .update, "delete": .delete,
    ]
    guard let members = json.asObject else { throw MemberError("op", "an operation is an object") }
    for (name, _) in members where name != "op" && name != "entry" {
      throw MemberError(name, "there is no such member of an operation; there are op and entry")
    }
    guard let verb = verbs[json["op"]?.asText ?? ""] else {
      throw MemberError("op", "expected create, add, update or delete")
    }
    guard let entry = json["entry"] else { throw MemberError("entry", "is missing") }
    try self.init(verb, entry, client: client)
  }

  init(_ verb: ConnectionOrder.Verb, _ entry: JSON, client: UInt32) throws(MemberError) {
    if verb == .update || verb == .delete {
      order = try ConnectionKey(entry).order(verb, client: client)
      return
    }
    let (connection, given) = try Connection.read(entry)
    // C5: what a connection cannot be without.
    guard given.contains(.timeout) else { throw MemberError("timeout", "is missing") }
    // As the kernel: no connection begins as one of these.
    guard connection.status & (Connection.Status.expected | Connection.Status.dying) == 0 else {
      throw MemberError("status", "EXPECTED and DYING are not for a request to set")
    }
    var change = ConnectionChange()
    change.values = connection
    change.attributes = given
    order = ConnectionOrder(verb, client: client, change: change)
  }

  /// The workers that may have it.
  ///
  /// - Parameter port: by which its packets come; `nil`: any.
  func workers(_ placement: Placement, by port: Placement.Port? = nil) -> [Int] {
    order.key == .id ? [order.change.values.id.shard] : placement.owners(of: order.change.values, by: port)
  }
}

/// Which connection is meant, by its number or one of its tuples, and what is said about it beside.
struct ConnectionKey {
  private var change = ConnectionChange()
  private let key: ConnectionOrder.Key

  /// - Parameter json: an `id` and nothing else, or a connection; the `id` of one is that of another forwarder, or of a
  ///   life before.
  init(_ json: JSON) throws(MemberError) {
    if let id = json["id"], json["orig"] == nil, json["reply"] == nil {
      guard let number = id.asUInt64 else { throw MemberError("id", "expected a whole number") }
      for (name, _) in json.asObject ?? [] where name != "id" {
        throw MemberError(name, "beside an id there is nothing, or a tuple")
      }
      change.values.id = ConnectionID(rawValue: number)
      key = .id
      return
    }
    let (connection, given) = try Connection.read(json)
    change.values = connection
    change.attributes = given
    key = json["orig"] == nil ? .reply : .original
  }

  func order(_ verb: ConnectionOrder.Verb, client: UInt32) -> ConnectionOrder {
    ConnectionOrder(verb, key: key, client: client, change: change)
  }

  func workers(_ placement: Placement) -> [Int] {
    key == .id ? [change.values.id.shard] : placement.owners(of: change.values)
  }
}
