extension Corpus {
  /// Sentences that mean nothing; some mean something in another family.
  static let invalid = """
    jump nope
    goto nope
    tcp dport 70000
    tcp dport foo
    tcp dport -5
    ip saddr 1.2.3.400
    ip saddr 1.2.3.4/40
    ip saddr @nope
    tcp dport @hosts
    ip saddr @ports
    ip saddr . tcp dport @hosts
    ip6 saddr ::1 ip saddr 1.2.3.4
    ip saddr 1.2.3.4 ip6 saddr ::1
    accept drop
    accept counter
    drop drop
    reject accept
    jump other accept
    flow add @nope
    counter name nope
    limit name nope
    ct timeout set "nope"
    ct state foo
    ct status foo
    ct state { new, foo }
    meta mark set foo
    meta mark foo
    ip saddr $foo
    iifname "averyveryverylongname"
    iifname "*"
    iif "nope"
    tcp dport { 22, foo }
    tcp dport 80-22
    tcp dport > 5-6
    ip saddr > 1.2.3.0/24
    ip saddr < 1.2.3.0/24
    tcp dport > { 5, 6 }
    tcp dport 22,23
    ip saddr . tcp dport 1.2.3.4
    ip saddr . tcp dport { 1.2.3.4 }
    ip saddr 1.2.3.4 . 22
    ip saddr . tcp dport { 1.2.3.4 . 22 . 5 }
    tcp dport vmap { 22 : accept, 22 : drop }
    tcp dport vmap { 22-25 : accept, 23 : drop }
    tcp dport vmap @ports
    tcp dport vmap @nope
    tcp dport vmap @marks
    ip saddr vmap @verdicts
    tcp dport vmap { 22 : jump nope }
    tcp dport vmap { 22 : 5 }
    tcp dport { 22 : accept }
    meta mark set tcp dport map @nope
    meta mark set tcp dport map @ports
    meta mark set tcp dport map { 22 : foo }
    meta mark set ip saddr map @marks
    udp dport 53 tcp dport 53
    ip protocol udp tcp dport 22
    meta l4proto udp tcp dport 22
    udp dport 5 reject with tcp reset
    reject with icmp type foo
    reject with icmpv6 foo
    ip dscp 70
    ip dscp foo
    ip ttl 300
    vlan id 5000
    ct zone 70000
    ct zone set 70000
    ct mark 0x1ffffffff
    ct mark set 0x1ffffffff
    ct label 200
    ct bytes foo
    ct direction foo
    ct expiration foo
    icmp type foo
    icmp code foo
    icmpv6 type foo
    meta protocol foo
    meta nfproto foo
    meta l4proto foo
    meta l4proto 300
    meta pkttype foo
    ip protocol foo
    ether saddr foo
    meta length foo
    tcp flags foo
    tcp flags syn | foo
    tcp flags ! { syn, ack }
    meta mark ! 5
    ip saddr ! 1.2.3.4
    iifname ! "lo"
    ct mark set tcp dport
    ct mark set ip dscp
    meta mark set iif
    ct zone set meta mark
    meta nftrace set 5
    ct proto-src 5
    ct original proto-dst 5
    ip saddr & 255.255.255.0 == foo
    ip saddr 1.2.3.9-1.2.3.4
    ip6 saddr 1.2.3.4
    ip saddr ::1
    limit rate 5/second burst 0 packets
    limit rate 1/week burst 4294967295 packets
    limit rate 18446744073709551615/second
    limit rate 20000 mbytes/second
    update @seen { ip saddr timeout 213504d }
    add @seen { ip saddr timeout 1000000d }
    add @seen { tcp dport }
    add @ports { tcp dport }
    add @nope { ip saddr }
    tcp dport 5 udp dport 6
    icmp type echo-request tcp dport 5
    frag id 5 ip saddr 1.2.3.4
    """

  /// What is no sentence.
  static let nonsense = """
    foo
    foo bar
    ip
    ip saddr
    ip foo 5
    tcp
    tcp dport
    tcp dport {
    tcp dport { }
    tcp dport { 22
    tcp dport { 22 80 }
    tcp dport { , }
    tcp dport 22 foo
    tcp dport 22 80
    tcp dport == == 5
    tcp dport = 5
    ip saddr ip daddr
    ip saddr 1.2.3.4,
    ct
    ct foo
    ct state
    ct original
    ct original foo 5
    ct state set new
    ct mark meta mark
    meta
    meta foo
    meta foo 5
    meta mark set
    meta mark & ct mark == 1
    jump
    goto
    jump 5
    jump accept
    counter packets
    counter packets 5
    counter packets 5 bytes
    counter name
    limit
    limit rate
    limit rate 5
    limit rate 5/foo
    limit rate foo/second
    limit rate 5/second burst
    limit rate 5/second burst 5
    limit rate 5/second burst 5 bytes
    limit rate 5 bytes/second burst 5 packets
    limit rate 5/second burst 10 mbytes
    reject with
    reject with foo
    reject with tcp
    reject with icmp
    ct count
    ct count foo
    flow
    flow add
    flow add f
    add @seen
    add @seen { }
    add seen { ip saddr }
    @foo
    @th,0
    @th,0,16
    @foo,0,16 5
    { 22 }
    22
    "foo"
    $
    comment
    comment 5
    counter comment "x" accept
    vmap { 22 : accept }
    tcp dport vmap
    tcp dport vmap 22
    tcp dport vmap { 22 : }
    tcp dport map { 22 : 5 }
    tcp option
    tcp option foo exists
    exthdr
    exthdr foo exists
    exthdr frag
    frag
    frag foo 5
    icmp
    icmp foo 5
    ether
    ether foo
    vlan
    vlan foo 5
    notrack notrack foo
    )
    ( 5 )
    tcp dport ( 22
    tcp dport 22 )
    meta mark & == 5
    meta mark & (5 == 5
    tcp dport !
    not
    accept;;drop foo
    """

  static let invalidBlocks = """
    foo
    --
    table
    --
    table foo t { }
    --
    table ip { }
    --
    table ip accept { }
    --
    table ip t {
     foo
    }
    --
    table ip t {
     chain {
     }
    }
    --
    table ip t {
     chain accept {
     }
    }
    --
    table ip t {
     chain c {
      accept
    --
    table ip t {
     chain c {
     }
    }
    }
    --
    table ip t {
     counter c {
      packets
     }
    }
    --
    table ip t {
     limit l {
     }
    }
    --
    table ip t {
     limit l {
      rate 5
     }
    }
    --
    table ip t {
     ct timeout u {
      foo
     }
    }
    --
    table ip t {
     ct foo u {
     }
    }
    --
    table ip t {
     flags foo
    }
    --
    table ip t {
     set s
     chain c { }
    }
    --
    table ip t {
     set s {
      type
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      elements = 
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      elements = { 1.2.3.4
     }
    }
    --
    table ip t {
     map m {
      type ipv4_addr :
     }
    }
    --
    table ip t {
     chain a {
      type filter hook forward priority 0;
      jump b
     }
     chain b {
      jump a
     }
    }
    --
    table ip t {
     chain a {
      type filter hook forward priority 0;
      jump b
     }
     chain b {
      jump c
     }
     chain c {
      jump b
     }
    }
    --
    flush
    --
    flush foo
    --
    delete
    --
    delete foo
    --
    delete table
    --
    add
    --
    add foo
    --
    insert rule ip t
    --
    replace rule ip t c accept
    --
    rename chain ip t c
    --
    add element ip t s
    --
    add element ip t s { }
    --
    define
    --
    define a
    --
    define a =
    --
    define 5 = 5
    --
    include foo
    --
    include
    --
    }
    --
    { }
    --
    ;
    ;;
    foo bar baz
    --
    table ip t {
     chain c {
      type filter hook forward priority
     }
    }
    --
    table ip t {
     chain c {
      type filter hook
     }
    }
    --
    table ip t {
     chain c {
      tcp dport foo
      tcp dport 70000
      ip saddr 1.2.3.400
     }
    }
    --
    table ip t {
     chain c {
      foo;
      bar baz;
      tcp dport 22 accept;
     }
    }
    --
    table ip t {
     limit l {
      rate 20000 mbytes/second
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      flags timeout
      timeout 213504d
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      flags timeout
      elements = { 1.1.1.1,
       2.2.2.2 timeout 213504d }
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      flags timeout
      elements = { 1.1.1.1,
       2.2.2.2 timeout 1d expires 2d }
     }
    }
    --
    table ip t {
     set s {
      type ipv4_addr
      flags timeout
      timeout 1h
      elements = { 1.1.1.1 expires 59m,
       2.2.2.2 expires 2h }
     }
    }
    --
    table ip t { flowtable f { }; }
    --
    table ip t { flowtable f { hook foo priority 0; }; }
    --
    table ip t { flowtable f { hook ingress priority foo; }; }
    """
}
