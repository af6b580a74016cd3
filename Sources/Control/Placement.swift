internal import Segment
public import Steering

/// With which worker a connection is, or is to be.
///
/// Packets find their owner by what they carry and by the pair of ports they cross. A connection has no relation to a
/// port (C1): where pairs have different owners, whoever creates one says by which port its packets will come.
public final class Placement: Sendable {
  /// A port as far as it decides who owns what comes in by it.
  public struct Port: Sendable {
    public var number: Int
    public var name: String
    /// Its group in `Ownership`; -1: whoever receives a packet owns it.
    public var group: Int
    /// The workers that receive by it.
    public var receivers: [Int]

    public init(number: Int, name: String, group: Int, receivers: [Int]) {
      self.number = number
      self.name = name
      self.group = group
      self.receivers = receivers
    }
  }

  private let table: Table?
  private let ports: [Port]
  private let workers: Int

  /// Read only once it is made.
  private final class Table: @unchecked Sendable {
    let owners: OwnerTable
    init(_ ownership: Ownership) { owners = OwnerTable(ownership, me: 0) }
  }

  /// - Parameter ownership: `nil`: every worker owns what it receives.
  public init(_ ownership: Ownership?, ports: [Port], workers: Int) {
    table = ownership.map { Table($0) }
    self.ports = ports
    self.workers = workers
  }

  /// The workers that may own a connection, the likely ones only.
  func owners(of connection: Connection, by port: Port? = nil) -> [Int] {
    if workers == 1 { return [0] }
    var owners: Set<Int> = []
    for port in port.map({ [$0] }) ?? ports {
      guard let table, port.group >= 0 else {
        owners.formUnion(port.receivers)
        continue
      }
      let tuple = connection.original
      owners.insert(
        Int(
          table.owners.owner(
            of: tuple.source, tuple.destination, isIPv6: connection.isIPv6, transport: connection.protocol,
            ports: (tuple.sourcePort, tuple.destinationPort), group: port.group)))
    }
    return owners.sorted()
  }

  /// The port of that name or number.
  func port(_ word: String) -> Port? { ports.first { $0.name == word || "\($0.number)" == word } }
}
