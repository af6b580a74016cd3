public import JSONText

/// What ties an answer to its request: a text, a number or null, chosen by the client and given back as it came.
public struct RequestID: Equatable, Sendable {
  public let json: JSON

  public static let null = RequestID(of: .null)

  private init(of json: JSON) { self.json = json }

  /// `nil` for what cannot be an id (JSON-RPC 2.0 §4).
  public init?(_ json: JSON) {
    switch json {
    case .text, .unsigned, .signed, .real, .null: self.json = json
    case .object, .array, .truth: return nil
    }
  }
}

/// A request, or a notification: one without an id, which is never answered.
public struct ControlRequest: Equatable, Sendable {
  public var method: String
  /// An object or an array; an empty object where there were none.
  public var parameters: JSON
  public var id: RequestID?

  public init(_ method: String, _ parameters: JSON = .object([]), id: RequestID?) {
    self.method = method
    self.parameters = parameters
    self.id = id
  }

  public var json: JSON {
    let head: [(String, JSON)] = [("jsonrpc", .text("2.0")), ("method", .text(method)), ("params", parameters)]
    return .object(head + (id.map { [("id", $0.json)] } ?? []))
  }
}

/// A line that a client sent.
public enum ControlMessage: Equatable, Sendable {
  /// A request, or what is wrong with one.
  public enum Item: Equatable, Sendable {
    case request(ControlRequest)
    case fault(ControlError, id: RequestID)
  }

  case single(Item)
  /// Answered together, in an array, unless none of them has an answer.
  case batch([Item])

  /// What a line means. There is no line without a meaning: a bad one is a fault to answer.
  ///
  /// - Parameters:
  ///   - line: without its newline.
  ///   - depth: how deep its arrays and objects may be nested.
  ///   - most: how many requests a batch may have.
  public init(line: Span<UInt8>, depth: Int = JSON.standardDepth, most: Int) {
    do throws(JSONError) {
      self.init(try JSON(parsing: line, depth: depth), most: most)
    } catch {
      self = .single(.fault(ControlError(.parseError, "\(error)"), id: .null))
    }
  }

  private init(_ json: JSON, most: Int) {
    guard let elements = json.asArray else {
      self = .single(Item(json))
      return
    }
    switch elements.count {
    case 0: self = .single(.fault(ControlError(.invalidRequest, "a batch without requests"), id: .null))
    case ...most: self = .batch(elements.map { Item($0) })
    case let count:
      self = .single(
        .fault(ControlError(.tooLarge, "a batch of \(count) requests, and \(most) are the most"), id: .null))
    }
  }

  public var items: [Item] {
    switch self {
    case .single(let item): [item]
    case .batch(let items): items
    }
  }
}

extension ControlMessage.Item {
  /// A request as JSON-RPC 2.0 §4 has it, and no other members: one that is misspelt would otherwise be one that is
  /// left out, and a filter left out is everything.
  init(_ json: JSON) {
    guard let members = json.asObject else {
      self = .fault(ControlError(.invalidRequest, "a request is an object"), id: .null)
      return
    }
    let id = json["id"].map { RequestID($0) }
    func fault(_ message: String) -> Self {
      .fault(ControlError(.invalidRequest, message), id: id.flatMap(\.self) ?? .null)
    }
    if case .some(.none) = id {
      self = fault("an id is a text, a number or null")
    } else if json["jsonrpc"] != .text("2.0") {
      self = fault("the member 'jsonrpc' is not \"2.0\"")
    } else if !members.allSatisfy({ ["jsonrpc", "method", "params", "id"].contains($0.0) }) {
      self = fault("members other than 'jsonrpc', 'method', 'params' and 'id'")
    } else if let method = json["method"]?.asText {
      switch json["params"] {
      case nil: self = .request(ControlRequest(method, id: id.flatMap(\.self)))
      case .some(let parameters) where parameters.asObject != nil || parameters.asArray != nil:
        self = .request(ControlRequest(method, parameters, id: id.flatMap(\.self)))
      default: self = fault("'params' is neither an object nor an array")
      }
    } else {
      self = fault("there is no method, or its name is no text")
    }
  }
}
