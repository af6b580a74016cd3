/// Command lines to compare conntrack(8) and ours by: every option with every command, the protocols' own, and what
/// people get wrong.
enum CommandLines {
  static let all = matrix + protocols + Self.odd.split(separator: "\n").map(String.init)

  private static let options = [
    "-s 1.1.1.1", "-d 2.2.2.2", "-r 2.2.2.2", "-q 1.1.1.1", "-p 99", "-t 10", "-u ASSURED", "-z", "-e NEW",
    "--tuple-src 1.1.1.1", "--tuple-dst 2.2.2.2", "--mask-src 255.0.0.0", "--mask-dst 255.0.0.0", "-m 1", "-i 1",
    "-f ipv4", "-n 1.1.1.1", "-g 1.1.1.1", "-o id", "-c 1", "-b 4096", "-j 1.1.1.1", "-w 1", "-l foo",
    "--label-add foo", "--label-del foo", "--orig-zone 1", "--reply-zone 1", "-a 1",
  ]

  /// Commands, with what they need.
  private static let commands = [
    "-L", "-L dying", "-L unconfirmed", "-I -s 3.1.1.1 -d 3.2.2.2 -p 99 -t 10", "-I -r 3.1.1.1 -q 3.2.2.2 -p 99 -t 10",
    "-A -s 3.1.1.1 -d 3.2.2.2 -p 99 -t 10", "-U", "-D", "-G -s 3.1.1.1 -d 3.2.2.2 -p 99", "-E", "-F", "-C", "-S", "-V",
    "-h", "-I", "-A", "-G", "-L expect", "-D expect -s 1.1.1.1 -d 2.2.2.2 -p 99", "-E expect", "-F expect",
    "-I expect -s 1.1.1.1 -d 2.2.2.2 -p 99 -t 10 --tuple-src 1.1.1.1 --tuple-dst 2.2.2.2 --mask-src 255.0.0.0 "
      + "--mask-dst 255.0.0.0",
  ]

  private static let matrix = commands.flatMap { command in [command] + options.map { "\(command) \($0)" } }

  private static let ports = [
    "--sport 1", "--dport 2", "--reply-port-src 2", "--reply-port-dst 1", "--mask-port-src 1", "--mask-port-dst 1",
    "--tuple-port-src 1", "--tuple-port-dst 1",
  ]

  private static let ownOptions: [(name: String, options: [String])] = [
    ("tcp", ports + ["--state ESTABLISHED"]), ("udp", ports), ("udplite", ports),
    ("sctp", ports + ["--state ESTABLISHED", "--orig-vtag 1", "--reply-vtag 2"]),
    ("dccp", ports + ["--state OPEN", "--role client"]),
    ("icmp", ["--icmp-type 8", "--icmp-code 0", "--icmp-id 5"]),
    ("icmpv6", ["--icmpv6-type 128", "--icmpv6-code 0", "--icmpv6-id 5"]),
    (
      "gre",
      [
        "--srckey 1", "--dstkey 2", "--reply-key-src 2", "--reply-key-dst 1", "--mask-key-src 1", "--mask-key-dst 1",
        "--tuple-key-src 1", "--tuple-key-dst 1",
      ]
    ),
  ]

  /// Each option of a protocol alone, and for those who need some, all of them and all but one.
  private static let protocols = ownOptions.flatMap { name, options -> [String] in
    let (source, destination) = name == "icmpv6" ? ("::1", "::2") : ("3.1.1.1", "3.2.2.2")
    let needed = options.filter { !$0.hasPrefix("--mask") && !$0.hasPrefix("--tuple") }
    let most = [needed] + needed.indices.map { place in needed.indices.filter { $0 != place }.map { needed[$0] } }
    var lines: [String] = []
    for command in ["-L", "-D", "-U", "-h", "-E"] {
      lines += ([""] + options).map { "\(command) -p \(name) \($0)" }
    }
    for command in ["-I -s \(source) -d \(destination) -t 10", "-I -r \(source) -q \(destination) -t 10"] {
      lines += (options.map { [$0] } + most).map { "\(command) -p \(name) \($0.joined(separator: " "))" }
    }
    lines += (options.map { [$0] } + most).map {
      "-G -s \(source) -d \(destination) -p \(name) \($0.joined(separator: " "))"
    }
    return lines
  }

  private static let odd = """
    -L -G
    -L foo
    -Lconntrack
    -L conntrack
    -L con
    -L conntrackx
    -L CONNTRACK
    -Lexpect
    -Lfoo
    --dump
    --dump=conntrack
    --du
    --d
    -X
    -LX
    --nonsense
    -L --nonsense=5
    -s
    -L -s
    -L -s foo
    -L -s ""
    -L --src=
    -L --src
    -L --src= 1.1.1.1
    -L -s=1.1.1.1
    -L -s 256.1.1.1
    -L -s 1.2.3.4.5
    -L -s localhost
    -L -s 1.1.1.1/33
    -L -s 1.1.1.1/24
    -L -s 1.1.1.1/32
    -L -s 1.1.1.1/
    -L -s 1.1.1.1/abc
    -L -s 1.1.1.1/-1
    -L -s 1.1.1.1/08
    -L -s 1.1.1.1/0x8
    -L -s 1.1.1.1/255.0.0.0
    -D -s 1.1.1.1/8/9
    -D -s /8
    -L -s ::1
    -L -s ::1/64
    -L -s ::1/129
    -L -s ::ffff:1.2.3.4
    -L -s 1::2::3
    -L -s fe80::1%lo
    -L -s 1.1.1.1 -d ::1
    -L -s 1.1.1.1 -r ::1
    -L -s 1.1.1.1/8 -d ::1/8
    -L -s 1.1.1.1 -f ipv6
    -L -f ipv6 -s 1.1.1.1
    -L -f ipv4 -f ipv6
    -L -f ipv6
    -L -f ipv5
    -L -f IPV6
    -L -f 4
    -L -fipv4
    -L -f=ipv4
    -L --fam ipv4
    -L -r 10.0.0.0/24
    -L -q 10.0.0.1/32
    -L -p tcp --sport 1
    -L --sport 1 -p tcp
    -L --sport 1
    -L -p foo
    -L -p 6
    -L -p 200
    -L -p 256
    -L -p -1
    -L -p 0x6
    -L -p ip
    -L -p ICMP
    -L -p ipv6-icmp
    -L -p TCP
    -L -p esp
    -L -p tc
    -L -p ""
    -L -p=tcp
    -L -ptcp --spo 1
    -L -ptcp --s 1
    -L -ptcp --st ESTABLISHED
    -L -p tcp --sport
    -L -p tcp --state FOO
    -L -p tcp --state established
    -L -p tcp --state SYN_SENT2
    -L -p tcp --state LISTEN
    -L -p tcp --state TIME_WAIT
    -L -p sctp --state SHUTDOWN_ACK_SENT
    -L -p dccp --state FOO
    -L -p dccp --state open
    -L -p dccp --role SERVER
    -L -p tcp --state foo --mask-port-src 1
    -L -p tcp --mask-port-dst 1 --mask-port-src 1
    -L -p tcp --tuple-port-src 1 --mask-port-dst 1
    -L -p sctp --tuple-port-src 1 --state CLOSED
    -L extra words
    extra -L
    -L -- foo
    -L - -s 1.1.1.1
    -- -L
    - -L
    foo
    foo bar
    -t 1
    -s 1.1.1.1
    -L -s 1.1.1.1 -s 2.2.2.2
    -L -p tcp -p udp
    -L -m
    -L -m 1/2
    -L -m 0x1/0xff
    -L --mark=5 --mark=6
    -L -m5
    -L -u FOO
    -L -u ASSURED
    -L -u assured
    -L -u ASS
    -L -u ASSURED,SEEN_REPLY
    -L -u ASSURED,,UNSET
    -L -u ASSURED,
    -L -u CONFIRMED
    -D -u UNSET
    -D -u SRC_NAT
    -L -w 1
    -L -w 0x5
    -L -w
    -L --zone=4
    -L --zon 1
    -L --z
    -L --ze
    -L --zero=5
    -L -z -z
    -L -za
    -L -zs
    -L -zs 1.1.1.1
    -zL
    -zLs 1.1.1.1
    -zXL
    -L -s 1.1.1.1 -zXL
    -L foo -zXL
    -L -Lz
    -Lz -X
    -LzX
    -L -z -p tcp
    -L -z -p tcp -t 5
    -L -f ipv4 -z
    -L -z -m 1
    -L -o foo
    -L -o xml,foo
    -L -o foo,xml
    -L -o xml,extended
    -L -o save,extended
    -L -o save -o id
    -L -o ext
    -L -o XML
    -L -o id,
    -L -o ,id
    -L -o ""
    -L -o
    -oid,xml -L
    -L --out xml
    -E -e FOO
    -E -e NEW,FOO
    -E -e new
    -E -e N
    -E -e NEW,
    -E -o save,timestamp
    -L -e FOO
    -L -n
    -L -n1.1.1.1
    -L --src-nat
    -L --src-nat=1.1.1.1
    -L --src-nat=
    -L --src-nat 1.1.1.1
    -L -n ""
    -L -n -1
    -L -n 1.1.1.1:5
    -L -n 1.1.1.1:5-6
    -L -n 1.1.1.1:
    -L -n 1.1.1.1:99999
    -L -n 1.1.1.1-2.2.2.2
    -L -n [::1]:80
    -L -n [::1
    -L -n ::1:80
    -L -n foo
    -L -n ::1 -s 2.2.2.2
    -L -j
    -L -j foo
    -L -j -n
    -D -j -n
    -D -j
    -D -n
    -L -n -g
    -L -n -n
    -L -s 1.1.1.1 --mask-src 255.0.0.0
    -L -s 1.1.1.1 --mask-src ffff::
    -L -s 1.1.1.1 --mask-src foo
    -L --mask-src 255.0.0.0 -t 5
    -L --mask-s
    -L --tuple-src 1.1.1.1
    -L -l ""
    -L -l one,two
    -L --label-add
    -U --label-del
    -C --label-del --label-add one
    -L -h
    -LV
    -VL
    -hV
    -hh
    -V foo
    -h foo
    -h expect
    -V dying
    -h dying
    -S dying
    -S foo
    -S conntrack
    -S -S
    -C foo
    -C dying
    -C -C
    -F foo
    -F dying
    -F -f ipv6
    -I dying
    -D dying
    -G dying
    -U dying
    -E dying
    -E unconfirmed
    -A unconfirmed
    -L dying -z
    -L unconfirmed -p tcp
    -U expect
    -A expect
    -G expect
    -I expect -s 1.1.1.1
    -C expect -f ipv4
    -E expect -F
    --count
    --cou
    --c
    --stats
    --event=foo -e FOO
    -L --counter
    -C -z -t 1
    -C -u ASSURED -z
    -C -z -e NEW
    -C --tuple-dst 1.1.1.1 --mask-src 1.1.1.1
    -C -m 1 -i 1
    -C -i 1 -f ipv4
    -C -f ipv4 -n
    -C -n -g
    -C -g -o id
    -C -o id -c 1
    -C -c 1 -b 1
    -C -b 1 -j
    -C -j -w 1
    -C -w 1 --orig-zone 1
    -C --reply-zone 1 --orig-zone 1
    -I -s 1.1.1.1
    -I -s 1.1.1.1 -d 2.2.2.2
    -I -s 1.1.1.1 -d 2.2.2.2 -p tcp
    -I -s 1.1.1.1 -d 2.2.2.2 -p tcp -t 10
    -I -s 1.1.1.1 -p udp -t 10 --sport 5 --dport 6
    -I -s 1.1.1.1 -r 1.1.1.1 -p udp -t 10 --sport 5 --dport 6
    -I -s 1.1.1.1 -q 1.1.1.1 -p udp -t 10 --sport 5 --dport 6
    -I -r 1.1.1.1 -p 80 -t 10
    -I -q 1.1.1.1 -p 80 -t 10
    -I -p 80 -t 10
    -I -s 9.1.1.1/24 -d 9.2.2.2 -p udp -t 10 --sport 5 --dport 6
    -I -s 9.1.1.1/32 -d 9.2.2.2 -p udp -t 10 --sport 5 --dport 6
    -I -s ::1 -d 1.1.1.1 -p 84 -t 10
    -I -s ::1 -r 1.1.1.1 -p 84 -t 10
    -I -s ::1 -d ::2 -p icmpv6 -t 10 --icmp-type 128 --icmp-code 0
    -I -s 1.1.1.1 -d 2.2.2.2 -p 253 -t 10
    -I -s 1.1.1.1 -d 2.2.2.2 -p 253 -t 10 --sport 1 --dport 2
    -I -s 1.1.1.1 -d 2.2.2.2 -p esp -t 10
    -I -s 1.1.1.1 -d 2.2.2.2 -p tcp -t 10 --state ESTABLISHED --sport 1 --reply-port-src 2
    -I -s 1.1.1.1 -d 2.2.2.2 -p tcp -t 10 --state ESTABLISHED --reply-port-src 2
    -I -s 1.1.1.1 -d 2.2.2.2 -p dccp -t 10 --sport 1 --dport 2 --state OPEN --role foo
    -I -z
    -I -p 99 -z
    -I -t 10 -z -p 99
    -G -s 1.1.1.1 -d 2.2.2.2
    -G -s 1.1.1.1 -p tcp --sport 1000 --dport 80
    -G -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2
    -G -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2 -o xml
    -G -o save -t 5
    -D -s 1.1.1.1
    -D -o xml
    -U -s 1.1.1.1 -m 1
    -R
    -R /nonexistent
    -R /dev/null
    --load-file /dev/null
    --load-file
    --load-file=-
    -L -R /dev/null
    """
}
